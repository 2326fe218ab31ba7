import type { Scope, ScopeView } from '../../admin/index.ts';
import type { Figures } from '../../metrics/index.ts';
import type { ClusterFigures } from './cluster-figures.ts';

/** Figures of the scope that is asked for; without one of the cluster, where there is one. Never rejects. */
export function createScopes(parts: {
  figures: Figures;
  /** null: no other instance. */
  cluster: ClusterFigures | null;
  instanceId: string;
}): (asked?: Scope) => Promise<{ figures: Figures; scope: ScopeView }> {
  const { figures, cluster, instanceId } = parts;
  return async (asked = cluster === null ? 'instance' : 'cluster') => {
    const own = { id: cluster?.id ?? instanceId, ageMs: 0 };
    const found =
      asked === 'instance' || cluster === null
        ? { figures, instances: [own], missing: 0, away: cluster?.isAway() }
        : await cluster.read();
    const ages = found.instances.map(({ ageMs }) => ageMs / 1000);
    const scope: ScopeView = {
      of: asked,
      instances: found.instances.map(({ id }, at) => ({ id, ageSeconds: ages[at]! })),
      oldestSeconds: Math.max(...ages),
      missing: found.missing,
      redis: found.away === undefined ? null : found.away ? 'away' : 'here',
    };
    return { figures: found.figures, scope };
  };
}

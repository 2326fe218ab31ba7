import type { NetworkPolicy } from '../../config/index.ts';
import type { Block } from './block.ts';
import { type BadReason, checkCall, checkEthereum, type Finding } from './check.ts';
import type { HealthClock } from './clock.ts';
import type { Node } from './node.ts';
import { nextCheckIn } from './pace.ts';
import { createVitals, type Transition, type Vitals } from './vitals.ts';

/** How often an upstream is asked for its chain id at least, while each of its blocks follows on those known. */
const CHAIN_ID_EVERY_MS = 10_000;

export interface ProberOptions {
  node: Node;
  clock: HealthClock;
  /** As it is now: asked at each check. */
  network(): NetworkPolicy;
  /** The chain its network is on; null where that cannot be told. */
  expectedChainId(): number | null;
  /** Of the network; -1 where unknown. */
  networkHead(): number;
  /** Is the block, or its parent, one of the network's chain as it is known? */
  onKnownChain(tip: Block): boolean;
  /** The check's answer was good and the upstream is up: its latest block. */
  onTip(tip: Block): void;
  onTransition(transition: Transition, detail: string): void;
  /** A check has ended, whatever it brought. */
  onChecked(): void;
}

/** Checks one upstream again and again, never twice at once. */
export interface Prober {
  readonly vitals: Omit<Vitals, 'good' | 'bad'>;
  /** Its latest block, known by the last good answer; null where unknown. */
  readonly tip: Block | null;
  /** null: not known. */
  readonly chainId: number | null;
  /** Why the last check was not good, for operators; '' if it was. */
  readonly detail: string;
  /** Whether a check has ended. */
  readonly checked: boolean;
  /** Checks at once, or as soon as the check under way has ended, asking for the chain id too. */
  checkNow(): void;
  stop(): void;
}

export function createProber(options: ProberOptions): Prober {
  const { node, clock } = options;
  const vitals = createVitals(clock.now());
  let tip: Block | null = null;
  let chainId: number | null = null;
  let chainIdAtMs = Number.NEGATIVE_INFINITY;
  let detail = '';
  let checked = false;
  let unclear = 0;
  let cheap = false;
  let checking = false;
  let again = false;
  let stopped = false;
  let callOff = () => {};

  const find = (): Promise<Finding> => {
    const { kind, health } = options.network();
    if (health.call !== null || kind !== 'ethereum') {
      return health.call === null ? Promise.resolve({ kind: 'unclear' }) : checkCall(node, health.call);
    }
    // What answers after a time away may be another node.
    const due = vitals.badInRow > 0 || vitals.state !== 'up';
    return checkEthereum(node, due || clock.now() - chainIdAtMs >= CHAIN_ID_EVERY_MS, familiar);
  };

  /** Else the node may be on another chain since the last check: its address now leads elsewhere, or its data was replaced. */
  const familiar = (latest: Block): boolean =>
    (tip !== null && (latest.hash === tip.hash || latest.parentHash === tip.hash)) ||
    options.onKnownChain(latest);

  const weigh = (finding: Finding): Finding => {
    if (finding.kind !== 'good') return finding;
    if (finding.chainId !== null) {
      chainId = finding.chainId;
      chainIdAtMs = clock.now();
    }
    tip = finding.tip;
    const expected = options.expectedChainId();
    if (tip !== null && chainId !== null && expected !== null && chainId !== expected)
      return bad('wrongChain', `chain id ${chainId} instead of ${expected}`);
    if (tip !== null && finding.syncingTo !== null && isBehind(tip.number, finding.syncingTo))
      return bad('syncing', `syncing, at block ${tip.number}`);
    return finding;
  };

  const isBehind = (number: number, syncingTo: number): boolean => {
    const head = options.networkHead();
    return (head >= 0 ? head : syncingTo) - number > options.network().maxBlockLag;
  };

  const note = (finding: Finding): void => {
    unclear = finding.kind === 'unclear' ? unclear + 1 : 0;
    detail = finding.kind === 'bad' ? finding.detail : finding.kind === 'good' ? '' : 'asked us to slow down';
    cheap = finding.kind === 'bad' && finding.cheap;
    if (finding.kind === 'unclear') return;
    const transition =
      finding.kind === 'good' ? vitals.good(clock.now()) : vitals.bad(finding.reason, clock.now());
    if (transition !== null) options.onTransition(transition, detail);
    if (finding.kind === 'good' && tip !== null && vitals.state === 'up') options.onTip(tip);
  };

  const check = async (): Promise<void> => {
    checking = true;
    again = false;
    const finding = weigh(await find());
    checking = false;
    if (stopped) return;
    note(finding);
    checked = true;
    options.onChecked();
    schedule();
  };

  const schedule = (): void => {
    callOff();
    if (stopped) return;
    if (again) return void check();
    const strained = unclear > 0 ? 2 + unclear : vitals.badInRow;
    const { intervalMs } = options.network().health;
    const waitMs = nextCheckIn(intervalMs, { state: vitals.state, strained, cheap }, clock.random());
    callOff = clock.after(waitMs, () => void check());
  };

  void check();
  return {
    vitals,
    get tip() {
      return tip;
    },
    get chainId() {
      return chainId;
    },
    get detail() {
      return detail;
    },
    get checked() {
      return checked;
    },
    checkNow() {
      chainIdAtMs = Number.NEGATIVE_INFINITY;
      again = true;
      if (!checking) schedule();
    },
    stop() {
      stopped = true;
      callOff();
    },
  };
}

function bad(reason: BadReason, detail: string): Finding {
  return { kind: 'bad', reason, detail, cheap: false };
}

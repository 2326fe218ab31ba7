/** Who is let in, by address: lists of the config, bans, and what makes bans. */
export { type AddressLists, networkText, openAddressLists } from './address-lists.ts';
export { type AutoBan, createAutoBan, type Spared } from './auto-ban.ts';
export { allowMark, type Ban, byItself, isAllowed, overlaps, readPrefix } from './ban.ts';
export { type BanBook, createBanBook } from './ban-book.ts';
export { type BanReader, createBanMemory, openBans, openBanWriter } from './ban-table.ts';
export { judge, newStanding, type Standing } from './judge.ts';
export {
  type BanPage,
  type BanRecord,
  type SharedBans,
  type SharedChange,
  supersedes,
} from './shared-bans.ts';
export type { SharedViolations } from './shared-violations.ts';
export { createViolationFold, type Violations } from './violation-fold.ts';

import { BIGINT, INTEGER, UINTEGER, UTINYINT, VARCHAR } from '@duckdb/node-api'
import { LEVELS, type Level, type Source } from '../../../shared/record.ts'

/** The format of the folder, kept in the catalog; a server that meets a greater one must not touch the folder. */
export const FORMAT = 2

/** The oldest DuckDB that can read our files; pinned, so that a newer engine goes on writing what the stated floor reads. */
export const STORAGE_VERSION = 'v1.4.0'

/**
 * How segments are attached. Each checkpoint writes the last row group anew and blocks commits meanwhile: small groups keep that short
 * (90 ms instead of 320 with the default 122,880 rows), small blocks keep small what they leave over. The file keeps only the latter.
 */
export const ATTACH_OPTIONS = 'ROW_GROUP_SIZE 30720'
export const CREATE_OPTIONS = `${ATTACH_OPTIONS}, BLOCK_SIZE 65536, STORAGE_VERSION '${STORAGE_VERSION}'`

/** The clock of the line's node ran ahead of ours by over a minute: `received` stands for its time in "the newest N". */
export const AHEAD = 1
/** Lines before this one with the same time may be missing. */
export const HEAD_MISSING = 2
/** From a foreign sender: known by its chunk, not by its ordinal. */
export const FOREIGN = 4
/** What a segment holds of which stream, as of its last seal. */
export const SEALED_TABLE =
  'sealed(stream INTEGER, records BIGINT, first BIGINT, last BIGINT, received BIGINT, ahead BIGINT, text BIGINT)'

/** What a new segment is made of; `sealed` is what start-up would otherwise have to count; format 1 had no `text` in it. */
export const SEGMENT_TABLES = [
  'streams(id INTEGER, labels VARCHAR)',
  'lines(time BIGINT, stream INTEGER, source UTINYINT, ordinal UINTEGER, received BIGINT, level UTINYINT, flags UTINYINT, ' +
    'cut_from UINTEGER, long UINTEGER, message VARCHAR USING COMPRESSION zstd, fields VARCHAR USING COMPRESSION zstd)',
  // The further pieces of long texts, see long.ts.
  'rests(time BIGINT, stream INTEGER, source UTINYINT, ordinal UINTEGER, kind UTINYINT, number UINTEGER, skip UINTEGER, ' +
    'text VARCHAR USING COMPRESSION zstd)',
  'chunks(id VARCHAR, last UINTEGER, received BIGINT)',
  SEALED_TABLE,
]

/** Column types by table, in the order of SEGMENT_TABLES. */
export const STREAM_TYPES = [INTEGER, VARCHAR]
export const LINE_TYPES = [
  ...[BIGINT, INTEGER, UTINYINT, UINTEGER, BIGINT, UTINYINT, UTINYINT, UINTEGER, UINTEGER],
  ...[VARCHAR, VARCHAR],
]
export const REST_TYPES = [BIGINT, INTEGER, UTINYINT, UINTEGER, UTINYINT, UINTEGER, UINTEGER, VARCHAR]
export const CHUNK_TYPES = [VARCHAR, UINTEGER, BIGINT]
export const SEALED_TYPES = [INTEGER, BIGINT, BIGINT, BIGINT, BIGINT, BIGINT, BIGINT]

const SOURCES: readonly Source[] = ['stderr', 'stdout']
const LEVEL_CODES: readonly Level[] = ['', ...LEVELS]

/** Source as it is stored; the numbers are in the order of `comparePositions`. */
export function sourceCode(source: Source): number {
  return source === 'stderr' ? 0 : 1
}

/** The source of a stored number. */
export function sourceOf(code: number): Source {
  return SOURCES[code] ?? 'stdout'
}

/** Level as it is stored. */
export function levelCode(level: Level): number {
  return Math.max(LEVEL_CODES.indexOf(level), 0)
}

/** The level of a stored number. */
export function levelOf(code: number): Level {
  return LEVEL_CODES[code] ?? ''
}

/** The ends of time, 1677 and 2262: what a BIGINT column can hold, and what "no limit" means. */
export const MAX_TIME = 2n ** 63n - 1n
export const MIN_TIME = -MAX_TIME

/** The time as it can be stored and found again: those beyond the ends move to them (the last moment is never reached: ranges exclude their end). */
export function clampTime(time: bigint): bigint {
  if (time >= MAX_TIME) return MAX_TIME - 1n
  return time < MIN_TIME ? MIN_TIME : time
}

/** A name as SQL takes it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as SQL takes it. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

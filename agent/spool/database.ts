import { closeSync, existsSync, fsyncSync, openSync, readdirSync, readSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../../shared/errors.ts'
import { damaged } from './damaged.ts'
import { isDamage } from './sqlite.ts'
import { stateFile } from './state-dir.ts'

/** Counts up with each change that older agents cannot read. It stands in the file's header, where it can be read without opening the database. */
export const SPOOL_FORMAT = 1
/** "swlg": the file is an agent's spool. */
const APPLICATION_ID = 0x73776c67
const FILE = 'spool.db'
const HEADER_BYTES = 100
/** 32 MiB free, 4 MiB at a time: some milliseconds. */
const RECLAIM_FROM_PAGES = 2048
const RECLAIM_PAGES = 256
const MAGIC = 'SQLite format 3\0'

/*
 * NORMAL, not FULL: in WAL mode a kill loses nothing, and a power cut takes back whole transactions only, the newest first. A
 * chunk and its checkpoints are one transaction, so both go, and Docker is read again from the older checkpoint.
 * Pages of 16 KiB suit bodies of some 100 KiB; with them the WAL is folded back every 16 MiB.
 */
const SETTINGS = `
  PRAGMA page_size = 16384;
  PRAGMA auto_vacuum = INCREMENTAL;
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA wal_autocheckpoint = 1000;
  PRAGMA journal_size_limit = 33554432;
  PRAGMA cache_size = -4096;
`

const TABLES = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE chunks (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    records INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    containers TEXT NOT NULL,
    option BLOB NOT NULL,
    body BLOB NOT NULL
  ) STRICT;
  CREATE TABLE checkpoints (
    store TEXT NOT NULL,
    container TEXT NOT NULL,
    checkpoint TEXT NOT NULL,
    crc INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    PRIMARY KEY (store, container)
  ) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SPOOL_FORMAT};
`

/**
 * Opens the spool's database in the state folder, or makes it. A damaged one is set aside by name, with a line in the log, and a
 * fresh one made: what Docker still holds is then read again. Throws SWARMLOGS_STORE_NEWER, the file untouched, when a newer agent wrote it.
 */
export function openDatabase(dir: string, log: Logger): DatabaseSync {
  const path = stateFile(dir, FILE)
  refuseNewer(path)
  try {
    return openSound(path)
  } catch (error) {
    if (!isDamage(error)) throw error
    setAside(dir, log, error)
    return openSound(path)
  }
}

/** Moves the closed database out of the way; keeps one such file, as evidence. */
export function setAside(dir: string, log: Logger, cause: unknown): void {
  const aside = `${FILE}.damaged`
  for (const name of readdirSync(dir)) if (name.startsWith(aside)) rmSync(join(dir, name))
  for (const suffix of ['', '-wal', '-shm', '-journal']) {
    const path = join(dir, FILE + suffix)
    if (existsSync(path)) renameSync(path, join(dir, aside + suffix))
  }
  log.error(
    { err: cause, setAside: join(dir, aside) },
    'spool is damaged and set aside; reading again what Docker holds',
  )
}

function refuseNewer(path: string): void {
  if (!existsSync(path)) return
  const header = Buffer.alloc(HEADER_BYTES)
  const file = openSync(path, 'r')
  try {
    readSync(file, header, 0, HEADER_BYTES, 0)
  } finally {
    closeSync(file)
  }
  const isOurs = header.toString('latin1', 0, MAGIC.length) === MAGIC && header.readUInt32BE(68) === APPLICATION_ID
  const format = header.readUInt32BE(60)
  if (!isOurs || format <= SPOOL_FORMAT) return
  const message = `cannot open ${path}: it has format ${format} and this agent knows ${SPOOL_FORMAT}; start a newer swarmlogs, or give another folder with --state`
  throw new SwarmlogsError('SWARMLOGS_STORE_NEWER', message)
}

function openSound(path: string): DatabaseSync {
  const isNew = !existsSync(path)
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec(SETTINGS)
    if (pragma(database, 'application_id') === 0 && pragma(database, 'schema_version') === 0) create(database)
    check(database, path)
    if (isNew) syncFolder(path)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function create(database: DatabaseSync): void {
  database.exec(`BEGIN IMMEDIATE; ${TABLES} COMMIT;`)
  // The header says the format only once it has left the WAL.
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
}

function check(database: DatabaseSync, path: string): void {
  if (pragma(database, 'application_id') !== APPLICATION_ID) throw damaged(path, 'it is not a spool')
  const result = pragma(database, 'quick_check(1)')
  if (result !== 'ok') throw damaged(path, String(result))
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
}

/** Gives free pages back to the disk, a few at a time, once there are many; true when there is more to do. */
export function reclaim(database: DatabaseSync): boolean {
  if (Number(pragma(database, 'freelist_count')) < RECLAIM_FROM_PAGES) return false
  database.exec(`PRAGMA incremental_vacuum(${RECLAIM_PAGES})`)
  return true
}

/** Makes the name of a new file durable. */
function syncFolder(path: string): void {
  const folder = openSync(join(path, '..'), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

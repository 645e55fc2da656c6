import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { damaged } from './damaged.ts'

/** Counts up with each change that older agents cannot read. It stands in the file's header, where it can be read without opening the database. */
export const SPOOL_FORMAT = 1
/** "swlg": the file is an agent's spool. */
export const APPLICATION_ID = 0x73776c67

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

/** Opens a file as the spool's database, or makes it. Throws SWARMLOGS_STORE_DAMAGED, or SQLite's own error, when it is not sound. */
export function openSound(path: string): DatabaseSync {
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

/** What a pragma answers. */
export function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
}

/** Makes the name of a new file durable. */
export function syncFolder(path: string): void {
  const folder = openSync(join(path, '..'), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'

/** Small named values that live with the chunks. */
export class Meta {
  readonly #get: StatementSync
  readonly #put: StatementSync
  readonly #delete: StatementSync

  constructor(database: DatabaseSync) {
    this.#get = database.prepare('SELECT value FROM meta WHERE name = ?')
    this.#put = database.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)')
    this.#delete = database.prepare('DELETE FROM meta WHERE name = ?')
  }

  get(name: string): string | undefined {
    const row = this.#get.get(name)
    return row && String(row.value)
  }

  put(name: string, value: string): void {
    this.#put.run(name, value)
  }

  delete(name: string): void {
    this.#delete.run(name)
  }

  /** A value that must not be believed when it is not what was put: absence is undefined, damage too. */
  getSure(name: string): string | undefined {
    const [, sum, value = ''] = /^(\d+) (.*)$/s.exec(this.get(name) ?? '') ?? []
    return Number(sum) === crc32(name + value) ? value : undefined
  }

  putSure(name: string, value: string): void {
    this.put(name, `${crc32(name + value)} ${value}`)
  }
}

import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../shared/errors.ts'
import type { SecretSource } from './config.ts'

/** Keys or tokens, one a line, all valid at once so that they can be rotated. */
export class Secrets {
  readonly #source: SecretSource
  readonly #log: Logger
  #values: readonly string[]
  #complaint = ''

  /** Throws SWARMLOGS_CONFIG when there is a source and nothing in it. */
  constructor(source: SecretSource, log: Logger) {
    this.#source = source
    this.#log = log
    this.#values = read(source)
  }

  /** Those that are valid now; none when there is no source. */
  get values(): readonly string[] {
    return this.#values
  }

  /** Reads the file anew; what cannot be read, or would lock everybody out, is logged once and the old values stay valid. */
  reload(): void {
    if (this.#source.kind !== 'file') return
    const file = this.#source.path
    try {
      const values = read(this.#source)
      const isSame =
        values.length === this.#values.length && values.every((value, index) => value === this.#values[index])
      this.#values = values
      this.#complaint = ''
      if (!isSame) this.#log.info({ file, count: values.length }, 'secrets were read anew')
    } catch (error) {
      const complaint = String(error)
      if (complaint !== this.#complaint) {
        this.#log.error({ err: error, file }, 'secrets could not be read anew: the old ones stay valid')
      }
      this.#complaint = complaint
    }
  }
}

function read(source: SecretSource): readonly string[] {
  if (source.kind === 'none') return []
  const text = source.kind === 'text' ? source.text : contentOf(source.path)
  const values = text.split('\n').map((line) => line.trim())
  const present = values.filter((value) => value !== '')
  if (present.length > 0) return present
  const place = source.kind === 'text' ? 'the token or shared key' : source.path
  throw new SwarmlogsError('SWARMLOGS_CONFIG', `cannot use ${place}: it is empty; give one secret a line`)
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SwarmlogsError(
      'SWARMLOGS_CONFIG',
      `cannot read the secrets in ${path}: make it readable for the server`,
      { cause },
    )
  }
}

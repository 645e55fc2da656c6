import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../shared/errors.ts'

/** The certificate and key of both ports, read from PEM files. */
export class Certificate {
  readonly #certFile: string
  readonly #keyFile: string
  readonly #log: Logger
  #options: SecureContextOptions

  /** Throws SWARMLOGS_CONFIG when the files are no certificate with its key. */
  constructor(files: { readonly certFile: string; readonly keyFile: string }, log: Logger) {
    this.#certFile = files.certFile
    this.#keyFile = files.keyFile
    this.#log = log
    this.#options = this.#read()
  }

  /** What is to be used now. */
  get options(): SecureContextOptions {
    return this.#options
  }

  /** The files to watch. */
  get files(): readonly string[] {
    return [this.#certFile, this.#keyFile]
  }

  /** Reads the files anew and says whether they can be used; while only one of them has been replaced they cannot, and the old ones stay. */
  reload(): boolean {
    try {
      this.#options = this.#read()
      this.#log.info({ file: this.#certFile }, 'certificate was read anew')
      return true
    } catch (error) {
      this.#log.warn(
        { err: error, file: this.#certFile },
        'certificate could not be read anew: the old one stays in use',
      )
      return false
    }
  }

  #read(): SecureContextOptions {
    try {
      const options = { cert: readFileSync(this.#certFile), key: readFileSync(this.#keyFile) }
      createSecureContext(options)
      return options
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const message = `cannot use the certificate ${this.#certFile} with the key ${this.#keyFile}: ${reason}; give PEM files that belong together`
      throw new SwarmlogsError('SWARMLOGS_CONFIG', message, { cause })
    }
  }
}

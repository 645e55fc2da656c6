import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../shared/errors.ts'

/** A certificate and its key, as PEM. */
export interface KeyPair {
  readonly cert: Buffer
  readonly key: Buffer
}

/** The certificate and key of both ports, read from files. */
export class Certificate {
  readonly #files: { readonly certFile: string; readonly keyFile: string }
  readonly #log: Logger
  #pair: KeyPair
  #complaint = ''

  /** Throws SWARMLOGS_CONFIG when the files are no certificate with its key. */
  constructor(files: { readonly certFile: string; readonly keyFile: string }, log: Logger) {
    this.#files = files
    this.#log = log
    this.#pair = this.#read()
  }

  /** What is to be used now. */
  get pair(): KeyPair {
    return this.#pair
  }

  /** Reads the files anew and says whether there is something new to be used; while only one of them has been replaced the old ones stay. */
  reload(): boolean {
    const file = this.#files.certFile
    try {
      const pair = this.#read()
      const isSame = pair.cert.equals(this.#pair.cert) && pair.key.equals(this.#pair.key)
      this.#pair = pair
      this.#complaint = ''
      if (!isSame) this.#log.info({ file }, 'certificate was read anew')
      return !isSame
    } catch (error) {
      const complaint = String(error)
      if (complaint !== this.#complaint) {
        this.#log.warn({ err: error, file }, 'certificate could not be read anew: the old one stays in use')
      }
      this.#complaint = complaint
      return false
    }
  }

  #read(): KeyPair {
    const { certFile, keyFile } = this.#files
    try {
      const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
      createSecureContext(pair)
      return pair
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const message = `cannot use the certificate ${certFile} with the key ${keyFile}: ${reason}; give PEM files that belong together`
      throw new SwarmlogsError('SWARMLOGS_CONFIG', message, { cause })
    }
  }
}

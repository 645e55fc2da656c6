/*
 * Log lines of a mixed cluster, made to compress like real ones: most of what varies between real lines is entropy (ids, addresses,
 * durations, sizes), the rest is a few dozen statements of a few programs. Deterministic, so that runs can be compared.
 */

/** A line and the number of the program that wrote it. */
export interface CorpusLine {
  readonly program: number
  readonly message: string
}

/** How many programs the corpus has. */
export const PROGRAMS = 6

const PATHS = [
  '/api/v1/orders',
  '/api/v1/users',
  '/static/js/main',
  '/checkout',
  '/search',
  '/healthz',
  '/images/product',
  '/login',
]
const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148',
  'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0',
  'curl/8.5.0',
  'kube-probe/1.29',
]
const JAVA = [
  'Order %d placed by customer %d, total %f EUR, %d items',
  'Payment %h authorised by provider %w after %d ms',
  'Cache miss for key product:%d, loading from database',
  'HikariPool-1 - Pool stats (total=%d, active=%d, idle=%d, waiting=0)',
  'Retrying call to inventory for sku %h, attempt %d of 5',
  'Session %h of user %w expired after %d seconds',
]
const WORDS = [
  'alice',
  'bob',
  'carol',
  'stripe',
  'paypal',
  'adyen',
  'berlin',
  'madrid',
  'oslo',
  'dave',
  'erin',
  'frank',
  'grace',
  'heidi',
]
const SYSLOG = [
  'sshd[%d]: Failed password for invalid user %w from %i port %d ssh2',
  'kernel: [%d.%d] eth0: renamed from veth%h',
  'systemd[1]: Started Session %d of user %w.',
  'postfix/smtpd[%d]: connect from unknown[%i]',
  'CRON[%d]: (root) CMD (/usr/lib/sysstat/sa1 1 1)',
]

/** Makes the lines, one at a time; the seed says which ones. */
export class Corpus {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A line written at the time (ms since 1970). */
  line(timeMs: number): CorpusLine {
    const program = this.#int(PROGRAMS)
    return { program, message: this.#message(program, timeMs) }
  }

  #message(program: number, timeMs: number): string {
    const iso = new Date(timeMs).toISOString()
    if (program === 0) return this.#access(iso)
    if (program === 1) return this.#json(timeMs)
    if (program === 2) {
      const [level, thread] = [this.#of(['INFO ', 'INFO ', 'DEBUG', 'WARN ', 'ERROR']), this.#int(20)]
      return `${iso.replace('T', ' ').slice(0, 23)} ${level} 1 --- [nio-8080-exec-${thread}] c.e.shop.${this.#of(['OrderService', 'PaymentService', 'CatalogController'])} : ${this.#fill(this.#of(JAVA))}`
    }
    if (program === 3) return `Nov 21 ${iso.slice(11, 19)} host-${this.#int(9)} ${this.#fill(this.#of(SYSLOG))}`
    if (program === 4) {
      return `level=${this.#of(['info', 'debug', 'warn'])} ts=${iso} caller=query.go:${this.#int(900)} traceID=${this.#hex(16)} duration=${this.#int(90_000)}µs msg="${this.#of(['query done', 'flushing chunks', 'uploading block', 'compaction done'])}" bytes=${this.#int(1e7)}`
    }
    return `  at com.example.shop.${this.#of(['web', 'core', 'db'])}.${this.#of(WORDS)}.Handler$${this.#int(9)}.invoke(Handler.java:${this.#int(1500)})`
  }

  #access(iso: string): string {
    const status = this.#of([200, 200, 200, 200, 304, 404, 302, 500])
    return `${this.#ip()} - ${this.#int(3) === 0 ? this.#of(WORDS) : '-'} [21/Nov/2026:${iso.slice(11, 19)} +0000] "${this.#of(['GET', 'GET', 'POST'])} ${this.#of(PATHS)}/${this.#int(1e6)}?ref=${this.#hex(4)} HTTP/1.1" ${status} ${this.#int(60_000)} "-" "${this.#of(AGENTS)}" ${(this.#int(3000) / 1000).toFixed(3)}`
  }

  #json(timeMs: number): string {
    return JSON.stringify({
      level: this.#of([30, 30, 30, 40, 50]),
      time: timeMs,
      pid: 1,
      hostname: `api-${this.#int(4)}`,
      reqId: this.#hex(8),
      method: this.#of(['GET', 'POST', 'DELETE']),
      url: `${this.#of(PATHS)}/${this.#int(1e6)}`,
      statusCode: this.#of([200, 201, 404, 500]),
      responseTime: this.#int(1e6) / 1000,
      msg: this.#of(['request completed', 'incoming request', 'user loaded', 'connection refused by upstream']),
    })
  }

  #fill(template: string): string {
    return template.replace(/%([dfhiw])/g, (_, kind) => {
      if (kind === 'd') return String(this.#int(100_000))
      if (kind === 'f') return (this.#int(100_000) / 100).toFixed(2)
      if (kind === 'h') return this.#hex(6)
      return kind === 'i' ? this.#ip() : this.#of(WORDS)
    })
  }

  #ip(): string {
    return `${10 + this.#int(200)}.${this.#int(256)}.${this.#int(256)}.${this.#int(256)}`
  }

  #hex(bytes: number): string {
    let text = ''
    for (let index = 0; index < bytes; index++) text += this.#int(256).toString(16).padStart(2, '0')
    return text
  }

  #of<T>(choices: readonly T[]): T {
    const choice = choices[this.#int(choices.length)]
    if (choice === undefined) throw new Error('BUG: nothing to choose from')
    return choice
  }

  /** mulberry32: small, and good enough that zstd finds nothing in it. */
  #int(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

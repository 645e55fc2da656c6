// Writes to the spool in a loop until it is killed: chunk number n and checkpoint { n } in one append, old chunks removed.
import type { Logger } from 'pino'
import { acquireLock } from '../../../agent/spool/lock.ts'
import { openStateDir } from '../../../agent/spool/state-dir.ts'
import { Spool } from '../../../agent/spool.ts'

const dir = process.argv[2] ?? ''
// pino itself would take a third of the start.
const log = { info() {}, warn() {}, error() {} } as unknown as Logger
const { signal } = new AbortController()
openStateDir(dir)
await acquireLock({ dir, waitMs: 5000, signal, log })
const spool = new Spool({ dir, maxBytes: 1 << 30, log })
const { n: first = 0 } = (spool.checkpoint('c1') ?? {}) as { n?: number }
process.stdout.write('ready\n')
for (let n = first + 1; ; n++) {
  const body = Buffer.alloc(1 + ((n * 7919) % 20_000), n)
  const checkpoints = new Map([['c1', { n }]])
  const option = Buffer.from('option')
  await spool.append({ id: String(n), records: 1, body, option, containers: ['c1'], checkpoints }, signal)
  const oldest = spool.next(0)
  if (spool.size > 20 && oldest !== undefined) spool.remove(oldest.seq)
  if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
}

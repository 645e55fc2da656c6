/*
 * The ledger is the judge of reliability: containers print `run source seq payload`, and after the faults the stored
 * lines are held against what was printed: missing, doubled, out of order.
 */

/** A shell command for lab/busybox:1 that prints `count` numbered lines to each source, then ends; `pauseEvery` lines it sleeps 10 ms. */
export function printer(run: string, count: number, pauseEvery = 0): string {
  const pause = pauseEvery > 0 ? `[ $((i % ${pauseEvery})) -eq 0 ] && usleep 10000;` : ''
  return `i=0; while [ $i -lt ${count} ]; do echo "${run} stdout $i payload-$((i * 7919 % 10007))"; echo "${run} stderr $i payload-$((i * 104729 % 10007))" >&2; ${pause} i=$((i + 1)); done`
}

/** What is wrong with a stored set of lines. Empty lists and zeroes mean an exact ledger. */
export interface Verdict {
  readonly missing: readonly string[]
  readonly doubled: readonly string[]
  readonly strange: readonly string[]
  readonly outOfOrder: number
}

const EXACT: Verdict = { missing: [], doubled: [], strange: [], outOfOrder: 0 }

/** The verdict of an exact ledger, to compare with. */
export const exact = EXACT

/** Holds stored messages (in answer order) against what printers of `run` with `count` lines a source printed. At most 20 examples each. */
export function judge(run: string, count: number, messages: readonly string[]): Verdict {
  const seen = { stdout: new Uint8Array(count), stderr: new Uint8Array(count) }
  const last = { stdout: -1, stderr: -1 }
  const doubled: string[] = []
  const strange: string[] = []
  let outOfOrder = 0
  for (const message of messages) {
    const [name, source, text] = message.split(' ')
    const seq = Number(text)
    if (name !== run || (source !== 'stdout' && source !== 'stderr') || !(seq < count)) {
      strange.push(message)
      continue
    }
    if (seen[source][seq]) doubled.push(message)
    seen[source][seq] = 1
    if (seq < last[source]) outOfOrder++
    last[source] = seq
  }
  const missing: string[] = []
  for (const source of ['stdout', 'stderr'] as const)
    seen[source].forEach((here, seq) => {
      if (!here) missing.push(`${run} ${source} ${seq}`)
    })
  return { missing: missing.slice(0, 20), doubled: doubled.slice(0, 20), strange: strange.slice(0, 20), outOfOrder }
}

import { performance } from 'node:perf_hooks'

/** Does one step of a longer work and says on stderr what it is and how long it took. */
export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now()
  process.stderr.write(`${title} ...`)
  try {
    const result = await work()
    process.stderr.write(` ${seconds(started)}\n`)
    return result
  } catch (error) {
    process.stderr.write(` failed after ${seconds(started)}\n`)
    throw error
  }
}

function seconds(started: number): string {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`
}

import { performance } from 'node:perf_hooks'

let dropped = 0

/** Does one step of a longer work and says on stderr what it is and how long it took. */
export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now()
  const droppedBefore = dropped
  const say = (text: string) => {
    if (dropped === droppedBefore) process.stderr.write(text)
  }
  say(`${title} ...`)
  try {
    const result = await work()
    say(` ${seconds(started)}\n`)
    return result
  } catch (error) {
    say(` failed after ${seconds(started)}\n`)
    throw error
  }
}

/** Ends the line of the steps that are going on: nobody waits for them any more, and they say nothing else. */
export function dropSteps(): void {
  dropped++
  process.stderr.write('\n')
}

function seconds(started: number): string {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`
}

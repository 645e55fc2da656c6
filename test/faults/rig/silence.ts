import { setTimeout as delay } from 'node:timers/promises'
import type { Scene } from './scene.ts'

/** How long the server said nothing to the agent at the longest, ms, while somebody watches for so long. */
export async function longestSilence({ network }: Scene, forMs: number): Promise<number> {
  let last = performance.now()
  let longest = 0
  const look = () => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }
  network.down = (bytes) => {
    look()
    return [bytes]
  }
  await delay(forMs)
  look()
  network.clear()
  return Math.round(longest)
}

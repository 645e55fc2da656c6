import { createServer } from 'node:net'
import type { Place } from './place.ts'

/** Ports for the servers of a place, below those that the kernel gives to outgoing connections: one of these would keep a killed server from starting again. */
export async function freePorts(place: Place, count: number): Promise<number[]> {
  const free: number[] = []
  for (let port = 20_000 + place.number * 40; free.length < count; port++) if (await isFree(port)) free.push(port)
  return free
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Given to a test of this process, whose server may be down. */
const given = new Set<number>()

/** A port below all of these, for a server of a test without a place that is killed and started again. */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = 16_000 + Math.floor(Math.random() * 4_000)
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
}

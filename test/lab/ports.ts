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

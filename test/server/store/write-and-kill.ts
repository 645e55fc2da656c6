import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect } from 'vitest'

/** A program that appends lines from a number on, its last argument, and prints the number of the first line behind each append that was acked. */
export interface Writer {
  readonly path: string
  readonly args: readonly string[]
}

/** Writes from line `start` on, kills the writer a while after so many acks; returns the line behind the last ack. */
export async function writeAndKill(
  { path, args }: Writer,
  start: number,
  { acks, delayMs }: { readonly acks: number; readonly delayMs: number },
): Promise<number> {
  const child = spawn(process.execPath, [path, ...args, String(start)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let acked = start
  let count = 0
  for await (const line of createInterface({ input: child.stdout })) {
    acked = Number(line)
    count++
    // Not a wait for something: it moves the kill through what the writer does.
    if (count === acks) setTimeout(() => child.kill('SIGKILL'), delayMs)
  }
  if (child.signalCode === null) await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')
  return acked
}

/** Fails unless each line that was acked is there once, and of the append that was cut off all or some, each once, or none. */
export function expectAckedOnce(messages: readonly string[], acked: number, perAppend: number): void {
  const numbers = messages.map((message) => Number.parseInt(message, 10)).sort((a, b) => a - b)
  expect(new Set(numbers).size).toBe(numbers.length)
  expect(numbers.slice(0, acked)).toEqual(Array.from({ length: acked }, (_, index) => index))
  expect(numbers.length - acked).toBeLessThanOrEqual(perAppend)
}

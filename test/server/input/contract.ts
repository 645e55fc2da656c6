import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Ingest } from '../../../server/ingest.ts'
import { RecordingIngest } from './recorder.ts'

/** An input under test, with a sender of its own. */
export interface OpenInput {
  /** Sends one line and resolves when the sender is told that it is stored; rejects when it is told, or must assume, that it is not. */
  send(line: string): Promise<void>
  /** Stops the input as the server does at its end. */
  close(): Promise<void>
}

/** What every input owes to the sender and to the store. */
export function inputContract(name: string, open: (ingest: Ingest) => Promise<OpenInput>): void {
  describe(`the input ${name}`, () => {
    let ingest: RecordingIngest
    let input: OpenInput

    beforeEach(async () => {
      ingest = new RecordingIngest()
      input = await open(ingest)
    })
    afterEach(async () => {
      ingest.release()
      await input.close()
    })

    it('hands lines on in the order in which they came', async () => {
      const lines = Array.from({ length: 50 }, (_, index) => `line ${index}`)
      await Promise.all(lines.map((line) => input.send(line)))
      expect(ingest.messages).toEqual(lines)
    })

    it('says that a line is stored only when it is', async () => {
      ingest.hold()
      let isTold = false
      const sent = input.send('a line').then(() => {
        isTold = true
      })
      await expect.poll(() => ingest.tries, { timeout: 20_000 }).toBe(1)
      expect(isTold).toBe(false)
      ingest.release()
      await sent
      expect(ingest.messages).toEqual(['a line'])
    })

    it('does not say so while the store is unavailable, and takes the line when it is back', async () => {
      ingest.isFailing = true
      await expect(input.send('a line')).rejects.toThrow()
      ingest.isFailing = false
      await input.send('a line')
      expect(ingest.messages).toEqual(['a line'])
    })

    it('finishes what it has begun before it closes', async () => {
      ingest.hold()
      const sent = input.send('a line')
      await expect.poll(() => ingest.tries, { timeout: 20_000 }).toBe(1)
      const closed = input.close()
      ingest.release()
      await Promise.all([sent, closed])
      expect(ingest.messages).toEqual(['a line'])
    })
  })
}

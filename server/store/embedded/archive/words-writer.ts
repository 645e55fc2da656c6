import { greater } from '../../bigint.ts'
import { GramFile } from '../grams/file.ts'
import { BLOCK_ROWS, Signer } from '../grams/signature.ts'
import { WordCounter } from '../grams/word-counter.ts'
import { groupOf } from '../grams/word-counts.ts'
import type { ArchivedLine } from '../parquet/schema.ts'
import { levelCode, sourceCode } from '../schema.ts'

/** Files are read whole: that a short word is looked for in one too many costs less than what larger signatures would take. */
const FOLD_SHARE = 0.35

/** Writes the index of words of a day whose lines come in the order of their times; a block is of lines of one file. */
export class WordsWriter {
  readonly #file: GramFile
  readonly #signer = new Signer(FOLD_SHARE)
  readonly #words = new WordCounter()
  #row = 0
  #block: { from: number; first: bigint; last: bigint; received: bigint } | undefined

  constructor(path: string) {
    this.#file = new GramFile(path)
  }

  async add({ message, time, received, stream, level, source }: ArchivedLine): Promise<void> {
    this.#block ??= { from: this.#row, first: time, last: time, received }
    this.#block.last = time
    this.#block.received = greater(this.#block.received, received)
    const text = Buffer.from(message)
    this.#signer.add(text)
    this.#words.add(groupOf(stream, levelCode(level), sourceCode(source)), text)
    this.#row++
    if (this.#row - this.#block.from === BLOCK_ROWS) await this.endBlock()
  }

  /** What comes next is of another file, or nothing does. */
  async endBlock(): Promise<void> {
    const block = this.#block
    if (block === undefined) return
    this.#block = undefined
    await this.#file.append({ ...block, to: this.#row }, this.#signer.finish(), this.#words.finish())
  }
}

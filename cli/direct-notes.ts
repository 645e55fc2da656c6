import type { DirectListener, Unreached } from '../shared/direct.ts'
import type { LogStream } from '../shared/record.ts'
import type { Flags } from '../shared/settings.ts'
import { say } from './output/say.ts'
import { taskNote } from './output/task-note.ts'

const MAX_NOTES = 50
const EXIT_INCOMPLETE = 3

/** Says on stderr what is read from Docker, and what could not be. With --strict, that makes the exit code 3. */
export class DirectNotes implements DirectListener {
  readonly #isStrict: boolean
  readonly #tellsTasks: boolean
  readonly #said = new Set<string>()

  constructor({ strict, notes }: Flags) {
    this.#isStrict = strict === true
    this.#tellsTasks = notes !== false
  }

  /** Says where the lines come from. */
  begin(): void {
    say('-- from Docker, not from the store')
  }

  /** Says, once, that a node could not be asked, or not for one task. */
  unreached = ({ node, reason, stream }: Unreached): void => {
    const whose = stream?.service ? ` (${stream.service})` : ''
    this.#say(`${node} could not be asked${whose}: ${reason}`)
    if (this.#isStrict) process.exitCode = EXIT_INCOMPLETE
  }

  /** Says that a task came or went. */
  changed = (change: 'comes' | 'goes', stream: LogStream): void => {
    if (this.#tellsTasks) taskNote(change, stream)
  }

  #say(text: string): void {
    if (this.#said.has(text)) return
    if (this.#said.size === MAX_NOTES) say('-- further ones are not told')
    if (this.#said.size <= MAX_NOTES) this.#said.add(text)
    if (this.#said.size <= MAX_NOTES) say(`-- ${text}`)
  }
}

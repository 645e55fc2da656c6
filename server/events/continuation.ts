import type { Regex } from '../../shared/query/regex.ts'
import type { LogRecord } from '../../shared/record.ts'

/** What the lines of one output look like after an event has begun. */
type State = 'plain' | 'python' | 'go' | 'node'

// Lines are of up to a mebibyte: each of these looks at a line once, whatever stands in it.
const INDENTED = /^[ \t]+\S/
/** What a trace of Java begins with; mostly a line of the program's own stands above. */
const JAVA_START =
  /^(?:Exception in thread "[^"]*" )?(?:[\w$]+\.)+(?=[\w$]+(?::|$))[\w$]*?(?:Exception|Error|Throwable|Failure)/
const JAVA = /^(?:Caused by: |Suppressed: |\.\.\. \d+ more$)/
const TRACEBACK = /^Traceback \(most recent call last\):/
const PYTHON_LINK = /^(?:During handling of the above exception|The above exception was the direct cause)/
/** The last line of a traceback: `ValueError: no`, `a.b.Custom`. */
const PYTHON_END = /^[A-Za-z_][\w.]*(?::|$)/
const GO_START = /^(?:panic: |fatal error: |SIG[A-Z]+: )/
const GO_PART =
  /^(?:goroutine \d+ |created by |\[signal |exit status \d|runtime stack:|[a-z]{2,3} +0x[0-9a-f]+$|[\w./\-*()[\]{}$·][\w./\-*)[\]{}$·]*\(.*\)$)/
/** `file.js:10` stands above the line of source that failed. */
const NODE_START = /^(?:node:[\w/]+|file:\/\/\S+|\/\S+):\d+$/
const NODE_ERROR = /^(?:Uncaught )?[A-Za-z_$][\w$]*(?:Error|Exception)?(?: \[\w+\])?(?::|$)/

/**
 * Tells whether a line goes on with the event of the line before it, for the lines of one output in their order: stack traces of Java, Python,
 * Node and Go, and whatever is indented. With `start` only lines that it matches begin an event.
 */
export class Continuation {
  readonly #start: Regex | undefined
  #state: State = 'plain'
  /** The line before was empty, within an event that has empty lines. */
  #isAfterBlank = false
  /** The trace said which error it was. */
  #hasEnded = false
  /** The event is one line so far, which announces a trace: it is severe, and none itself. */
  #isAnnouncing = false

  constructor(start?: Regex) {
    this.#start = start
  }

  /** Must be asked of each line, the first one included. */
  continues({ message, level }: Pick<LogRecord, 'message' | 'level'>): boolean {
    const line = message.endsWith('\r') ? message.slice(0, -1) : message
    if (this.#start !== undefined) return !this.#start(line)
    if (this.#goesOn(line)) {
      this.#isAnnouncing = false
      return true
    }
    this.#begin(line)
    const isSevere = level === 'warn' || level === 'error' || level === 'fatal'
    this.#isAnnouncing = isSevere && this.#state === 'plain' && !JAVA_START.test(line)
    return false
  }

  #begin(line: string): void {
    this.#state = stateOf(line)
    this.#isAfterBlank = false
    this.#hasEnded = false
  }

  #goesOn(line: string): boolean {
    const isAfterBlank = this.#isAfterBlank
    this.#isAfterBlank = false
    if (line.trim() === '') return this.#blank()
    if (INDENTED.test(line)) return true
    switch (this.#state) {
      case 'python':
        return this.#python(line, isAfterBlank)
      case 'go':
        return GO_PART.test(line)
      case 'node':
        return this.#node(line)
      case 'plain':
        return this.#plain(line)
    }
  }

  /** Empty lines belong to traces that have them; elsewhere they are lines of their own. */
  #blank(): boolean {
    if (this.#state === 'plain') return false
    this.#isAfterBlank = true
    return true
  }

  #python(line: string, isAfterBlank: boolean): boolean {
    if (PYTHON_LINK.test(line) || (TRACEBACK.test(line) && (isAfterBlank || !this.#hasEnded))) {
      this.#hasEnded = false
      return true
    }
    if (this.#hasEnded || !PYTHON_END.test(line)) return false
    this.#hasEnded = true
    return true
  }

  #node(line: string): boolean {
    if (line === '}' || /^Node\.js v\d/.test(line)) return true
    if (this.#hasEnded || !NODE_ERROR.test(line)) return false
    this.#hasEnded = true
    return true
  }

  #plain(line: string): boolean {
    if (line === '}' || JAVA.test(line)) return true
    if (!this.#isAnnouncing) return false
    // `ERROR it failed` and its trace are one event.
    if (TRACEBACK.test(line)) this.#state = 'python'
    return this.#state === 'python' || JAVA_START.test(line)
  }
}

function stateOf(line: string): State {
  if (TRACEBACK.test(line)) return 'python'
  if (GO_START.test(line)) return 'go'
  return NODE_START.test(line) ? 'node' : 'plain'
}

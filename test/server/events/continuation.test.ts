import { describe, expect, it } from 'vitest'
import { Continuation } from '../../../server/events/continuation.ts'
import { parseLine } from '../../../server/parse/line.ts'
import { compileRegex } from '../../../shared/query/regex.ts'

const JAVA = `2026-11-21 ERROR request failed
java.lang.IllegalStateException: no
\tat com.shop.Cart.add(Cart.java:10)
\tat com.shop.Main.main(Main.java:3)
Caused by: java.io.IOException: gone
\tat com.shop.Disk.read(Disk.java:7)
\t... 2 more`
const PYTHON = `Traceback (most recent call last):
  File "a.py", line 1, in <module>
    f()
    ^^^
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
    g()
shop.errors.Failed: no`
const NODE = `/app/main.js:10
    throw new Error('no')
    ^

Error: no
    at Object.<anonymous> (/app/main.js:10:9)
    at node:internal/main:1:1 {
  code: 'E_NO'
}

Node.js v24.1.0`
const NODE_LOGGED = `TypeError: x is not a function
    at f (/app/a.js:1:2) {
  cause: 1
}`
const GO = `panic: runtime error: index out of range [5] with length 3
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]

goroutine 1 [running]:
main.(*Cart).Add(0xc000, {0x1, 0x2})
\t/app/main.go:9 +0x1d
main.main()
\t/app/main.go:5 +0x20
created by net/http.(*Server).Serve
\t/usr/lib/go/server.go:3000 +0x5
exit status 2`
const INDENTED = `settings:
  a: 1
  b: 2`

/** Lines as events. */
function group(text: string, start?: string): string[] {
  const continuation = new Continuation(start === undefined ? undefined : compileRegex(start, false))
  const events: string[] = []
  for (const line of text.split('\n')) {
    const continues = continuation.continues({ message: line, level: parseLine(line).level })
    const last = events.at(-1)
    if (last !== undefined && continues) events.splice(-1, 1, `${last}\n${line}`)
    else events.push(line)
  }
  return events
}

describe('Continuation', () => {
  it.each([
    ['Java', JAVA],
    ['Java, uncaught', JAVA.slice(JAVA.indexOf('\n') + 1)],
    ['Python', PYTHON],
    ['Node', NODE],
    ['Node, logged', NODE_LOGGED],
    ['Go', GO],
    ['indented', INDENTED],
  ])('keeps an event together, between others: %s', (_, event) => {
    expect(group(`before\n${event}\nafter: this`)).toEqual(['before', event, 'after: this'])
    expect(group(`${event}\n${event}`)).toEqual([event, event])
    expect(group(`${event}\n`.replaceAll('\n', '\r\n').trimEnd())).toHaveLength(1)
  })

  it('takes a traceback for part of the line that announces it', () => {
    const event = `ERROR it failed\n${PYTHON}`
    expect(group(`${event}\nafter: this`)).toEqual([event, 'after: this'])
  })

  it('leaves lines alone that only look a little like a trace', () => {
    const lines = ['a', '', 'b', 'Error: no', 'main.main()', 'KeyError: x', 'goroutine 1 [running]:', '']
    expect(group(lines.join('\n'))).toEqual(lines)
  })

  it('goes by the start that it is told', () => {
    expect(group('2026 a\nb\n c\n2027 d\n', '^\\d{4} ')).toEqual(['2026 a\nb\n c', '2027 d\n'])
  })

  it.each([
    ['a.', 'Exception', ' '],
    ['a.', 'a.', '!'],
    ['a', 'a', '!'],
    ['Uncaught ', 'Error', ' ['],
    ['', '(', ''],
    ['a', '()', '!'],
    ['/', ':1', '!'],
    ['file://', ':', '1!'],
    ['sp ', ' ', '0'],
    ['SIG', 'A', ''],
    ['', ' ', ''],
    ['Exception in thread "', '" ', ''],
  ])('judges a very long line at once: %j %j %j', (start, middle, end) => {
    const long = start + middle.repeat((1024 * 1024) / middle.length) + end
    for (const before of ['', 'Traceback (most recent call last):', 'panic: no', 'node:a:1']) {
      const continuation = new Continuation()
      continuation.continues({ message: before, level: 'error' })
      const started = performance.now()
      continuation.continues({ message: long, level: 'error' })
      expect(performance.now() - started).toBeLessThan(2_000)
    }
  })
})

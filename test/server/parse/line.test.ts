import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLine } from '../../../server/parse/line.ts'
import type { Level } from '../../../shared/record.ts'

function fieldsOf(line: string): unknown {
  const { fields } = parseLine(line)
  return fields === '' ? undefined : JSON.parse(fields)
}

const LEVELS: [Level, string][] = [
  ['error', 'ERROR something broke'],
  ['error', 'ERROR: something broke'],
  ['error', '[error] something broke'],
  ['error', '[ERROR] something broke'],
  ['error', 'Error: connect ECONNREFUSED 127.0.0.1:5432'],
  ['error', 'Error while reading the file'],
  ['error', 'TypeError: x is not a function'],
  ['error', 'java.lang.IllegalStateException: closed'],
  ['error', 'sqlalchemy.exc.OperationalError: (psycopg2) no'],
  ['error', 'Exception in thread "main" java.lang.Error'],
  ['error', 'Traceback (most recent call last):'],
  ['error', 'npm ERR! code ELIFECYCLE'],
  ['error', 'npm error code ELIFECYCLE'],
  ['error', 'fail: Microsoft.Hosting.Lifetime[14]'],
  ['error', '[Fri Jan 02 12:00:00.123 2026] [core:error] [pid 1] AH00037: no'],
  ['error', '2026-01-02 12:00:00.123 UTC [123] ERROR:  relation "x" does not exist'],
  ['error', 'E, [2026-01-02T12:00:00.123456 #1] ERROR -- : boom'],
  ['error', '01-02 12:00:00.123  1234  1250 E ActivityManager: ANR'],
  ['error', '\x1b[31mERROR\x1b[0m something broke'],
  ['error', '\x1b[1;31mERRO\x1b[0m[0012] something broke'],
  ['fatal', 'panic: runtime error: index out of range'],
  ['fatal', 'fatal error: all goroutines are asleep - deadlock!'],
  ['fatal', 'PHP Fatal error:  Uncaught Error'],
  ['fatal', 'CRITICAL:root:out of disk'],
  ['fatal', 'crit: App[0]'],
  ['warn', 'WARNING:root:watch out'],
  ['warn', 'npm WARN deprecated request@2.88.2'],
  ['warn', 'PHP Warning:  Undefined variable $x in /app/x.php on line 3'],
  ['warn', '2026/01/02 12:00:00 [warn] 7#7: *1 an upstream response is buffered'],
  ['warn', '2026-01-02 12:00:00,123 WARN something'],
  ['warn', '2026-01-02 12:00:00,123 - app.db - WARNING - slow query'],
  ['warn', '2026-01-02T12:00:00.123456Z 0 [Warning] [MY-010068] [Server] CA certificate is self signed.'],
  ['warn', '1:M 02 Jan 2026 12:00:00.123 # WARNING overcommit_memory is set to 0!'],
  ['warn', '1:M 02 Jan 2026 12:00:00.123 # Server in trouble'],
  ['warn', 'level=warn msg'],
  ['warn', 'warn: Microsoft.AspNetCore[1]'],
  ['warn', '<4>something odd'],
  ['info', '1:M 02 Jan 2026 12:00:00.123 * Ready to accept connections'],
  ['info', '2026-01-02 12:00:00.123  INFO 1 --- [           main] c.f.Bar : Started'],
  ['info', '2026-01-02 12:00:00 [main] INFO  c.f.Bar - started'],
  ['info', '[2026-01-02T12:00:00,123][INFO ][o.e.n.Node] [node] started'],
  ['info', '[2026-01-02T12:00:00Z INFO  my_crate] started'],
  ['info', '\x1b[2m2026-01-02T12:00:00.123Z\x1b[0m \x1b[32m INFO\x1b[0m \x1b[2mvector\x1b[0m: up'],
  ['info', '2026-01-02T12:00:00.123Z\tinfo\tserver/main.go:12\tlistening'],
  ['info', '2026-01-02T12:00:00Z info listening'],
  ['info', '[12:00:00 INF] listening'],
  ['info', '12:00PM INF listening'],
  ['info', '12:00:00.000 [info] listening'],
  ['info', 'INFO:     127.0.0.1:5000 - "GET / HTTP/1.1" 200 OK'],
  ['info', '[2026-01-02 12:00:00,123: INFO/MainProcess] mingle: searching'],
  ['info', '[2026-01-02 12:00:00 +0000] [1] [INFO] Listening at: http://0.0.0.0:8000'],
  ['info', '    2026-01-02T12:00:00.000Z [INFO]  agent: started'],
  ['info', 'web_1  | INFO started'],
  ['info', '[02-Jan-2026 12:00:00] NOTICE: fpm is running, pid 1'],
  ['info', '2026-01-02 12:00:00.123456 I | etcdmain: listening'],
  ['info', 'I0102 15:04:05.000000       1 main.go:12] started'],
  ['info', 'Jan  2 12:00:00 INFO started'],
  ['debug', 'DEBUG (pid 1): x'],
  ['debug', 'dbug: App[0]'],
  ['trace', '2026-01-02 12:00:00 TRACE x'],
  ['', '127.0.0.1 - - [02/Jan/2026:12:00:00 +0000] "GET /error HTTP/1.1" 500 12 "-" "curl ERROR"'],
  ['', 'There was no error found in the warning list'],
  ['', 'information is power'],
  ['', 'see /var/log/error.log'],
  ['', '--debug is on'],
  ['', 'errors=0 in the run'],
  ['', '3 errors found'],
  ['', ''],
  ['', '   '],
]

describe('the level of a line', () => {
  it.each(LEVELS)('is %j in %j', (level, line) => {
    expect(parseLine(line).level).toBe(level)
  })

  it.each([
    ['{"level":10}', 'trace'],
    ['{"level":20}', 'debug'],
    ['{"level":30,"msg":"x"}', 'info'],
    ['{"level":40}', 'warn'],
    ['{"level":50}', 'error'],
    ['{"level":60}', 'fatal'],
    ['{"level":35}', 'info'],
    ['{"version":"1.1","level":3}', 'error'],
    ['{"lvl":"eror"}', 'error'],
    ['{"severity":"WARNING"}', 'warn'],
    ['{"severityText":"Error"}', 'error'],
    ['{"severityNumber":17}', 'error'],
    ['{"loglevel":"DEBUG"}', 'debug'],
    ['{"log.level":"info"}', 'info'],
    ['{"log":{"level":"info"}}', 'info'],
    ['{"Level":"Information"}', 'info'],
    ['{"@l":"Fatal"}', 'fatal'],
    ['{"@level":"trace"}', 'trace'],
    ['{"levelname":"CRITICAL"}', 'fatal'],
    ['{"PRIORITY":"6"}', 'info'],
    ['{"record":{"level":{"name":"SUCCESS"}}}', 'info'],
    ['{"level":{"a":1}}', ''],
    ['{"level":null}', ''],
    ['{"level":"banana"}', ''],
    ['{"level":99999999}', ''],
    ['{"msg":"ERROR in text"}', ''],
    ['time="2026-01-02T12:00:00Z" level=warning msg="x"', 'warn'],
    ['ts=1 lvl=eror msg=x', 'error'],
    ['{ not json but ERROR', 'error'],
  ])('is found in %s', (line, level) => {
    expect(parseLine(line).level).toBe(level)
  })
})

describe('the fields of a line', () => {
  it.each([
    ['plain text a=b', undefined],
    ['{}', undefined],
    ['{"a":1,"b":"x","c":true,"d":null}', { a: 1, b: 'x', c: true, d: null }],
    [' {"a":1}\r', { a: 1 }],
    ['{"a":{"b":{"c":1}},"d":[1,{"e":"f"}]}', { 'a.b.c': 1, d: '[1,{"e":"f"}]' }],
    ['{"a":{},"b":1}', { b: 1 }],
    ['{"n":123456789012345678901234567890}', { n: '123456789012345678901234567890' }],
    ['{"n":1e400,"m":-1.5e3}', { n: '1e400', m: -1500 }],
    ['{"a":1,"a":2}', { a: 2 }],
    ['{"a\\"b":"c\\n\\u00e9"}', { 'a"b': 'c\né' }],
    ['{"a":1}x', undefined],
    ['{"a":1,}', undefined],
    ['{"a":01}', undefined],
    ['{"a":.5}', undefined],
    ['{"a":"\\x"}', undefined],
    ['{"a":"b', undefined],
    ["{'a':1}", undefined],
    ['{"a":tru}', undefined],
    ['{"a":[1,2}', undefined],
    [
      'time="2026-01-02T12:00:00Z" level=info msg="hello \\"world\\"" a=1 b=',
      { time: '2026-01-02T12:00:00Z', level: 'info', msg: 'hello "world"', a: '1', b: '' },
    ],
    ['level=info ts=1 done err=no', { level: 'info', ts: '1', err: 'no' }],
    ['a=1', undefined],
    ['time=now starting', undefined],
    ['2026-01-02T12:00:00Z [INFO]  agent: joined: node=n1 addr="a b"', { node: 'n1', addr: 'a b' }],
    ['\x1b[36mINFO\x1b[0m[0000] done \x1b[36mid\x1b[0m=7 \x1b[36mok\x1b[0m=true', { id: '7', ok: 'true' }],
    [
      'I0102 15:04:05.000000 12 a.go:3] "Synced" pod="kube/x" n=2',
      { caller: 'a.go:3', thread: '12', pod: 'kube/x', n: '2' },
    ],
    [
      '<34>1 2003-10-11T22:14:15.003Z host su - ID47 - failed',
      {
        'log.syslog.priority': 34,
        'log.syslog.hostname': 'host',
        'log.syslog.appname': 'su',
        'log.syslog.msgid': 'ID47',
      },
    ],
    [
      '<13>Oct 11 22:14:15 host cron[123]: done',
      {
        'log.syslog.priority': 13,
        'log.syslog.hostname': 'host',
        'log.syslog.appname': 'cron',
        'log.syslog.procid': '123',
      },
    ],
    ['<999>x', undefined],
  ])('of %s', (line, expected) => {
    expect(fieldsOf(line)).toEqual(expected)
  })

  it('keeps names that mean something to JavaScript as names', () => {
    const { fields } = parseLine('{"__proto__":1,"constructor":{"prototype":2},"toString":3}')
    expect(fields).toBe('{"__proto__":1,"constructor.prototype":2,"toString":3}')
  })

  it('keeps what fits of too many fields, too deep nesting and too long lines', () => {
    const many = `{${Array.from({ length: 10_000 }, (_, i) => `"k${i}":${i}`).join()},"level":"error"}`
    expect(Object.keys(fieldsOf(many) as object)).toHaveLength(200)
    const wide = `{"level":"error","a":"${'x'.repeat(70_000)}","b":1}`
    expect(parseLine(wide)).toEqual({ level: 'error', fields: '{"level":"error"}' })
    const deep = `${'{"a":'.repeat(9)}1${'}'.repeat(9)}`
    expect(fieldsOf(deep)).toEqual({ [Array(8).fill('a').join('.')]: '{"a":1}' })
    expect(parseLine(`${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}`).level).toBe('')
  })
})

describe('hostile lines', () => {
  it('agree with JSON.parse about what is JSON', () => {
    const property = fc.property(fc.object({ maxDepth: 3 }), (value) => {
      const text = JSON.stringify(value)
      expect(() => JSON.parse(parseLine(text).fields || '{}')).not.toThrow()
      if (Object.values(value).some((field) => typeof field === 'string')) expect(parseLine(text).fields).not.toBe('')
    })
    fc.assert(property, { numRuns: 300 })
  })

  it('never throw, and leave fields that are JSON', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '"',
      '\\',
      ':',
      ',',
      '=',
      ' ',
      '[',
      ']',
      '\x1b[',
      'm',
      'ERROR',
      'level',
      '1',
      '<3>',
      'I0102',
      'é',
      '\0',
    )
    const property = fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const { fields } = parseLine(pieces.join(''))
      if (fields !== '') JSON.parse(fields)
    })
    fc.assert(property, { numRuns: 3000 })
  })

  it.each([
    ['open brackets', '['.repeat(1_000_000)],
    ['open objects', '{"a":'.repeat(200_000)],
    ['quotes', `{"${'\\"'.repeat(500_000)}`],
    ['pairs', 'a=1 '.repeat(250_000)],
    ['equal signs', '='.repeat(1_000_000)],
    ['escapes', '\x1b['.repeat(500_000)],
    ['blanks', ' '.repeat(1_000_000)],
    ['digits', `{"a":${'1'.repeat(1_000_000)}}`],
    ['klog', `I0102 15:04:05.000000 1 ${'a'.repeat(1_000_000)}`],
  ])('take linear time: %s', (_, line) => {
    const started = performance.now()
    parseLine(line)
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

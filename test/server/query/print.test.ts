import { describe, expect, it } from 'vitest'
import { lineFormat, type PrintFlags, printRecord } from '../../../server/query/print.ts'
import type { LogStream, StoredRecord } from '../../../shared/record.ts'
import { recordOf } from '../store/records.ts'

const TASK = 'lfap0icnqswi0z7gzrj9rxw3p'
const NODE = 'q1tkqwdmgsbk4z52zdd1ou9k5'
const SERVICE = 'mzzx1ebtv4yvpz5emwwtmf9zr'
const DEFAULTS: PrintFlags = {
  timestamps: false,
  details: false,
  raw: false,
  resolve: true,
  taskids: true,
  trunc: true,
}

const WEB: LogStream = {
  ...{ cluster: 'c', nodeId: NODE, nodeName: 'node3', stack: '', service: 'web', serviceId: SERVICE, slot: 6 },
  ...{
    taskId: TASK,
    taskName: `web.6.${TASK}`,
    containerId: 'f00',
    containerName: `web.6.${TASK}`,
    image: 'i',
    tag: '',
    attributes: {},
  },
}
const GLOBAL: LogStream = { ...WEB, service: 'glob', nodeName: 'node1', slot: 0, taskName: `glob.${NODE}.${TASK}` }
const OPTS: LogStream = {
  ...WEB,
  service: 'opts',
  slot: 1,
  attributes: { zed: '1', app: 'x', tag: 'T', FOO: 'a,b=c d' },
}
const PLAIN: LogStream = {
  ...{ cluster: '', nodeId: '', nodeName: 'host1', stack: 'blog', service: 'web', serviceId: '', slot: 0 },
  ...{
    taskId: '',
    taskName: '',
    containerId: 'beef',
    containerName: 'blog-web-1',
    image: 'i',
    tag: '',
    attributes: {},
  },
}
const ids = `com.docker.swarm.node.id=${NODE},com.docker.swarm.service.id=${SERVICE},com.docker.swarm.task.id=${TASK}`

describe('lines as `docker service logs` prints them', () => {
  it.each<[string, LogStream, Partial<PrintFlags>, number, string]>([
    ['by default', WEB, {}, 1, 'web.6.lfap0icnqswi@node3    | out 1  two spaces'],
    ['padded to 12 replicas', WEB, {}, 2, 'web.6.lfap0icnqswi@node3     | out 1  two spaces'],
    ['wider than the replicas now', { ...WEB, slot: 12 }, {}, 1, 'web.12.lfap0icnqswi@node3    | out 1  two spaces'],
    ['of slot 12 of 12', { ...WEB, slot: 12 }, {}, 2, 'web.12.lfap0icnqswi@node3    | out 1  two spaces'],
    ['of a task that was asked for', { ...WEB, slot: 12 }, {}, 0, 'web.12.lfap0icnqswi@node3    | out 1  two spaces'],
    ['of a global service', GLOBAL, {}, 1, 'glob.0.lfap0icnqswi@node1    | out 1  two spaces'],
    ['of a global service without task ids', GLOBAL, { taskids: false }, 1, 'glob.0@node1    | out 1  two spaces'],
    ['with --no-trunc', WEB, { trunc: false }, 1, `web.6.${TASK}@node3    | out 1  two spaces`],
    ['with --no-task-ids', WEB, { taskids: false }, 1, 'web.6@node3    | out 1  two spaces'],
    ['with --no-task-ids --no-trunc', WEB, { taskids: false, trunc: false }, 1, 'web.6@node3    | out 1  two spaces'],
    ['with --no-resolve', WEB, { resolve: false }, 1, `${SERVICE}.6.lfap0icnqswi@${NODE}    | out 1  two spaces`],
    [
      'with -t',
      WEB,
      { timestamps: true },
      1,
      '2026-11-21T02:38:11.386458421Z web.6.lfap0icnqswi@node3    | out 1  two spaces',
    ],
    ['with --raw', WEB, { raw: true }, 2, 'out 1  two spaces'],
    ['with --raw -t', WEB, { raw: true, timestamps: true }, 1, '2026-11-21T02:38:11.386458421Z out 1  two spaces'],
    [
      'with --details',
      OPTS,
      { details: true },
      1,
      'opts.1.lfap0icnqswi@node3    | FOO=a,b=c d,app=x,tag=T,zed=1 out 1  two spaces',
    ],
    ['with --details, none there', WEB, { details: true }, 1, 'web.6.lfap0icnqswi@node3    |  out 1  two spaces'],
    [
      'with --raw --details',
      OPTS,
      { details: true, raw: true },
      1,
      `FOO=a%2Cb%3Dc+d,app=x,${ids},tag=T,zed=1 out 1  two spaces`,
    ],
    ['with --raw --details, none there', WEB, { details: true, raw: true }, 1, `${ids} out 1  two spaces`],
    [
      'with --raw --details -t',
      WEB,
      { details: true, raw: true, timestamps: true },
      1,
      `2026-11-21T02:38:11.386458421Z ${ids} out 1  two spaces`,
    ],
    ['of a container outside a Swarm', PLAIN, {}, 1, 'blog-web-1@host1    | out 1  two spaces'],
    [
      'of a container outside a Swarm, --no-resolve',
      PLAIN,
      { resolve: false, taskids: false },
      3,
      'blog-web-1@host1    | out 1  two spaces',
    ],
    [
      'of a container outside a Swarm, --raw --details',
      { ...PLAIN, attributes: { a: 'ü~!' } },
      { details: true, raw: true },
      1,
      'a=%C3%BC~%21 out 1  two spaces',
    ],
    [
      'of a foreign sender',
      { ...PLAIN, containerName: '', service: '', nodeName: '', tag: 'app.access' },
      {},
      1,
      'app.access    | out 1  two spaces',
    ],
  ])('%s', (_, stream, flags, slotWidth, expected) => {
    expect(print(stream, flags, slotWidth, 'out 1  two spaces')).toBe(expected)
  })

  it('sorts decoded pairs whole, and raw ones by key, as Go does', () => {
    const stream = { ...PLAIN, attributes: { a: '1', 'a-b': '2' } }
    expect(print(stream, { details: true }, 1, '')).toBe('blog-web-1@host1    | a-b=2,a=1 ')
    expect(print(stream, { details: true, raw: true }, 1, '')).toBe('a=1,a-b=2 ')
  })

  it('keeps a trailing CR, and gives each line of a message its head', () => {
    expect(print(WEB, { raw: true }, 1, 'tty1\r')).toBe('tty1\r')
    expect(print(WEB, {}, 1, "a\n$'b")).toBe("web.6.lfap0icnqswi@node3    | a\nweb.6.lfap0icnqswi@node3    | $'b")
  })
})

function print(stream: LogStream, flags: Partial<PrintFlags>, slotWidth: number, message: string): string {
  const record: StoredRecord = { ...recordOf(stream, { message, time: 1795228691386458421n }), received: 1n }
  return printRecord(
    record,
    lineFormat({ ...DEFAULTS, ...flags }, () => slotWidth),
  )
}

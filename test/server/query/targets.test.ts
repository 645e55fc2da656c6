import { describe, expect, it } from 'vitest'
import { nearestNames, resolveTarget, serviceNames, type Universe } from '../../../server/query/targets.ts'
import type { LogStream } from '../../../shared/record.ts'
import { streamOf } from '../store/records.ts'

const IDS = { web: 'mzzx1ebtv4yvpz5emwwtmf9zr', blog: 'k2vq7c8s3n5d1f9g0h4j6l8p2', api: 'x9y8z7w6v5u4t3s2r1q0p9o8n' }
const task = (service: string, serviceId: string, slot: number, taskId: string): LogStream =>
  streamOf(service, { service, serviceId, slot, taskId, taskName: `${service}.${slot}.${taskId}`, containerId: taskId })

const SHOP1 = task('shop_web', IDS.web, 1, 'lfap0icnqswi0z7gzrj9rxw3p')
const SHOP10 = task('shop_web', IDS.web, 10, 'abcd0icnqswi0z7gzrj9rxw3p')
const BLOG1 = task('blog_web', IDS.blog, 1, 'efgh0icnqswi0z7gzrj9rxw3p')
const API = task('api', IDS.api, 1, 'ijkl0icnqswi0z7gzrj9rxw3p')
const GLOBAL = {
  ...task('glob', 'globalservice000000000000', 0, '4sebp54ixlhi0z7gzrj9rxw3p'),
  taskName: 'glob.nodeid.4sebp54ixlhi0z7gzrj9rxw3p',
}
const DOTS = task('a.b.c', 'dots000000000000000000000', 2, 'mnop0icnqswi0z7gzrj9rxw3p')
const PLAIN = streamOf('plain', { service: 'redis', serviceId: '', taskId: '', taskName: '', slot: 0 })
const STREAMS = { SHOP1, SHOP10, BLOG1, API, GLOBAL, DOTS, PLAIN }
const UNIVERSE: Universe = {
  streams: Object.values(STREAMS),
  services: [{ id: 'quietservice0000000000000', name: 'shop_quiet' }],
}

describe('resolveTarget', () => {
  it.each<[string, string, string, readonly (keyof typeof STREAMS)[], readonly string[]]>([
    ['a service by name', 'shop_web', 'service', ['SHOP1', 'SHOP10'], []],
    ['a service by id', IDS.web, 'service', ['SHOP1', 'SHOP10'], []],
    ['a service by the head of its id', 'mzz', 'service', ['SHOP1', 'SHOP10'], []],
    ['a task by id', 'lfap0icnqswi0z7gzrj9rxw3p', 'task', ['SHOP1'], []],
    ['a task by the head of its id', 'lfa', 'task', ['SHOP1'], []],
    ['a task by slot', 'shop_web.1', 'task', ['SHOP1'], []],
    ['a task by slot, of two digits', 'shop_web.10', 'task', ['SHOP10'], []],
    ['a task as lines show it', 'shop_web.1.lfap0icnqswi', 'task', ['SHOP1'], []],
    ['a task by its whole name', SHOP1.taskName, 'task', ['SHOP1'], []],
    ['a task of a global service as lines show it', 'glob.0.4sebp54ixlhi', 'task', ['GLOBAL'], []],
    ['all tasks of a global service', 'glob.0', 'task', ['GLOBAL'], []],
    ['a task of a service with dots in its name', 'a.b.c.2', 'task', ['DOTS'], []],
    ['a service with dots in its name', 'a.b.c', 'service', ['DOTS'], []],
    ['a glob', '*_web', 'service', ['SHOP1', 'SHOP10', 'BLOG1'], []],
    ['a glob over everything', '*', 'service', Object.keys(STREAMS) as (keyof typeof STREAMS)[], []],
    ['a service without its stack', 'web', 'service', ['SHOP1', 'SHOP10', 'BLOG1'], ['blog_web', 'shop_web']],
    ['a task without its stack', 'web.1', 'task', ['SHOP1', 'BLOG1'], ['blog_web.1', 'shop_web.1']],
    ['a container outside a Swarm', 'redis', 'service', ['PLAIN'], []],
    ['a service that has not printed yet', 'shop_quiet', 'service', [], []],
    ['a service that has not printed yet, by the head of its id', 'quiets', 'service', [], []],
    ['nothing', 'nope', 'none', [], []],
    ['nothing: two letters of an id', 'mz', 'none', [], []],
    ['nothing: the head of a name', 'shop_we', 'none', [], []],
    ['nothing: a slot that there is not', 'shop_web.3', 'none', [], []],
    ['nothing: a glob', 'x*', 'none', [], []],
    ['nothing: a hostile text', '(a+)+$', 'none', [], []],
  ])('finds %s', (_, text, kind, streams, widened) => {
    const target = resolveTarget(text, UNIVERSE)
    const matched = Object.entries(STREAMS).filter(([, stream]) => target.matches(stream))
    expect({ kind: target.kind, matched: matched.map(([name]) => name), widened: target.widened }).toEqual({
      ...{ kind, widened },
      matched: [...streams],
    })
  })

  it('prefers a name to an id that begins so', () => {
    const clash = task('db', 'service', 1, 'web5icnqswi0z7gzrj9rxw3pq')
    expect(resolveTarget('web', { streams: [clash, SHOP1], services: [] }).widened).toEqual(['shop_web'])
    expect(resolveTarget('web', { streams: [clash], services: [] }).kind).toBe('task')
  })

  it('takes what begins later: by name when it is there, also under its own name when widened, all names while waiting', () => {
    const later = task('web', 'newservice000000000000000', 1, 'later0000000000000000000')
    const other = task('new_web', 'other', 2, 'late20000000000000000000')
    const exact = resolveTarget('web', { streams: [later], services: [] })
    expect([later, other].map(exact.matches)).toEqual([true, false])
    const widened = resolveTarget('web', UNIVERSE)
    expect([later, other].map(widened.matches)).toEqual([true, true])
    const waiting = resolveTarget('web', { streams: [], services: [] })
    expect([later, other, API].map(waiting.matches)).toEqual([true, true, false])
    expect(resolveTarget('web.2', { streams: [], services: [] }).matches(other)).toBe(true)
    expect(resolveTarget('*_web', { streams: [], services: [] }).matches(other)).toBe(true)
    expect(resolveTarget(later.serviceId, { streams: [], services: [] }).matches(later)).toBe(true)
  })
})

describe('nearestNames', () => {
  it.each<[string, readonly string[]]>([
    ['wbe', ['blog_web', 'shop_web']],
    ['shop_wbe', ['shop_web']],
    ['SHOP_WEB', ['shop_web']],
    ['quiet', ['shop_quiet']],
    ['apu', ['api']],
    ['web.7', ['blog_web', 'shop_web']],
    ['somethingelse', []],
  ])('of %s', (text, expected) => {
    expect(nearestNames(text, serviceNames(UNIVERSE))).toEqual(expected)
  })
})

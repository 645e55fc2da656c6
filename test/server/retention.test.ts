import { describe, expect, it, vi } from 'vitest'
import { Retention } from '../../server/retention.ts'
import { streamOf } from './store/records.ts'

const DAY_MS = 86_400_000
const DAY = 86_400_000_000_000n

describe('how long lines are kept', () => {
  const rules = [
    { services: 'shop_debug*', ms: 2 * DAY_MS },
    { services: '*', ms: 3 * DAY_MS },
  ]
  const labels = new Map([['service-api', '7d']])

  function retention(options: Partial<ConstructorParameters<typeof Retention>[0]> = {}) {
    const warn = vi.fn()
    const made = new Retention({ defaultMs: 30 * DAY_MS, log: { warn }, ...options })
    made.learn((id) => labels.get(id))
    return { made, warn }
  }

  it('is what the first rule that fits says, else the label of the container, else that of the service, else the default', () => {
    const { made } = retention({ rules: rules.slice(0, 1) })
    const label = { 'swarmlogs.retention': '12h' }
    const kept = [
      streamOf('debug-1', { retention: '9d' }),
      streamOf('api', { retention: '9d' }),
      streamOf('api', { attributes: label }),
      streamOf('api'),
      streamOf('web'),
      streamOf('', { service: 'syslog', serviceId: '', tag: 'x' }),
    ]
    expect(kept.map((stream) => made.of(stream))).toEqual([
      2n * DAY,
      9n * DAY,
      DAY / 2n,
      7n * DAY,
      30n * DAY,
      30n * DAY,
    ])
    expect(kept.map((stream) => made.isOwn(stream))).toEqual([true, true, true, true, false, false])
    expect(retention({ rules }).made.of(streamOf('api'))).toBe(3n * DAY)
    expect(made.longestNs).toBe(30n * DAY)
    expect(retention({ rules: [{ services: 'x', ms: 90 * DAY_MS }] }).made.longestNs).toBe(90n * DAY)
  })

  it('follows a label that is changed', () => {
    const { made } = retention()
    let label = '1d'
    made.learn(() => label)
    expect(made.of(streamOf('web'))).toBe(DAY)
    label = '2d'
    expect(made.of(streamOf('web'))).toBe(2n * DAY)
  })

  it.each(['soon', '0', '-1d', '1ns', '1000y'])(
    'is the default where the label says %j, which is told once',
    (label) => {
      const { made, warn } = retention()
      for (const name of ['a', 'a', 'b']) expect(made.of(streamOf(name, { retention: label }))).toBe(30n * DAY)
      expect(warn).toHaveBeenCalledExactlyOnceWith({ service: 'shop_a', label }, expect.stringContaining('such as 7d'))
    },
  )

  it('keeps a bounded number of names in mind, and stays right', () => {
    const { made } = retention({ rules })
    for (let index = 0; index < 25_000; index++) made.of(streamOf(`x${index}`))
    expect(made.of(streamOf('debug'))).toBe(2n * DAY)
  })

  it('is the same for all where labels do not count', () => {
    const same = Retention.same(DAY_MS)
    expect([same.isKnown, same.of(streamOf('a', { retention: '9d' }))]).toEqual([true, DAY])
    expect(new Retention({ defaultMs: 1, log: { warn: () => {} } }).isKnown).toBe(false)
  })
})

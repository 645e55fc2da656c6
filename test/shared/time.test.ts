import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatTime, parseDuration, parseSize, parseTime } from '../../shared/time.ts'

const NOW = parseTime('2026-11-21T10:30:00.25Z', 0n, 'UTC')
const read = (text: string, zone = 'UTC') => formatTime(parseTime(text, NOW, zone))

describe('parseTime', () => {
  it.each([
    ['2026-11-21T04:00:00Z', '2026-11-21T04:00:00.000000000Z'],
    ['2026-11-21T04:00:00.000000001Z', '2026-11-21T04:00:00.000000001Z'],
    ['2026-11-21T04:00:00.1234567891Z', '2026-11-21T04:00:00.123456789Z'],
    ['2026-11-21T04:00:00.5+01:30', '2026-11-21T02:30:00.500000000Z'],
    ['2026-11-21T04:00:00-08:00', '2026-11-21T12:00:00.000000000Z'],
    ['2026-11-21t04:00:00z', '2026-11-21T04:00:00.000000000Z'],
    ['2026-11-21 04:00:00', '2026-11-21T04:00:00.000000000Z'],
    ['2026-11-21T04:00:07.25', '2026-11-21T04:00:07.250000000Z'],
    ['2026-11-21T04:05', '2026-11-21T04:05:00.000000000Z'],
    ['2026-11-21T04:05+01:00', '2026-11-21T03:05:00.000000000Z'],
    ['2026-11-21T07', '2026-11-21T07:00:00.000000000Z'],
    ['2026-11-21', '2026-11-21T00:00:00.000000000Z'],
    ['2026-11-21Z', '2026-11-21T00:00:00.000000000Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000000000Z'],
    ['0', '1970-01-01T00:00:00.000000000Z'],
    ['1136073600', '2006-01-01T00:00:00.000000000Z'],
    ['1136073600.000000001', '2006-01-01T00:00:00.000000001Z'],
    ['1136073600.5', '2006-01-01T00:00:00.500000000Z'],
    ['1m30s', '2026-11-21T10:28:30.250000000Z'],
    ['1.5h', '2026-11-21T09:00:00.250000000Z'],
    ['300ms', '2026-11-21T10:29:59.950000000Z'],
    ['1h2m3.5s', '2026-11-21T09:27:56.750000000Z'],
    ['-10m', '2026-11-21T10:40:00.250000000Z'],
    ['0s', '2026-11-21T10:30:00.250000000Z'],
    ['2d', '2026-11-19T10:30:00.250000000Z'],
    ['1w', '2026-11-14T10:30:00.250000000Z'],
    ['now', '2026-11-21T10:30:00.250000000Z'],
    ['Today', '2026-11-21T00:00:00.000000000Z'],
    ['yesterday', '2026-11-20T00:00:00.000000000Z'],
  ])('reads %s', (text, expected) => {
    expect(read(text)).toBe(expected)
  })

  it.each([
    ['2026-11-21', 'Europe/Berlin', '2026-11-20T23:00:00.000000000Z'],
    ['2026-07-01T12', 'Europe/Berlin', '2026-07-01T10:00:00.000000000Z'],
    ['2026-07-01T12:00:00.000000001', 'Asia/Kathmandu', '2026-07-01T06:15:00.000000001Z'],
    ['today', 'Pacific/Auckland', '2026-11-20T11:00:00.000000000Z'],
    ['yesterday', 'America/Los_Angeles', '2026-11-20T08:00:00.000000000Z'],
    // Clocks went from 02:00 to 03:00: 02:30 was never shown.
    ['2026-03-29T02:30', 'Europe/Berlin', '2026-03-29T01:30:00.000000000Z'],
    // Clocks went back from 03:00 to 02:00: 02:30 was shown twice.
    ['2026-10-25T02:30', 'Europe/Berlin', '2026-10-25T00:30:00.000000000Z'],
    ['2026-11-01T01:30', 'America/New_York', '2026-11-01T05:30:00.000000000Z'],
    // Midnight itself was skipped.
    ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00.000000000Z'],
    // A whole day was skipped.
    ['2011-12-30T12:00', 'Pacific/Apia', '2011-12-30T22:00:00.000000000Z'],
    // Half an hour is changed here.
    ['2026-04-05T01:45', 'Australia/Lord_Howe', '2026-04-04T14:45:00.000000000Z'],
    ['2026-11-21T04:00Z', 'Europe/Berlin', '2026-11-21T04:00:00.000000000Z'],
  ])('reads %s on a clock in %s', (text, zone, expected) => {
    expect(read(text, zone)).toBe(expected)
  })

  it.each([
    '',
    ' ',
    'tomorrow',
    'x10m',
    '10 m',
    '10y',
    '2026-13-01',
    '2026-02-29',
    '2026-11-31',
    '2026-00-10',
    '2026-11-21T24:00',
    '2026-11-21T04:60',
    '2026-11-21T04:00:60',
    '2026-11-21T04:00:00+24:00',
    '2026-11-21T04:00:00+01:60',
    '2026-11-21T',
    '26-11-21',
    '1136073600.1234567890',
    '1.2.3',
    '--10m',
    '.',
    's',
    '1e3s',
    '９s',
  ])('refuses %j and says what is right', (text) => {
    expect(() => read(text)).toThrow(/^cannot read the time '.*': right are 2026-.*1m30s.*yesterday$/)
  })

  it('refuses an unknown zone', () => {
    expect(() => read('2026-11-21', 'Mars/Base')).toThrow("cannot use the time zone 'Mars/Base'")
  })

  it('moves what 64 bits cannot hold to their ends', () => {
    expect(parseTime('0001-01-01T00:00:00Z', NOW, 'UTC')).toBe(-(2n ** 63n))
    expect(parseTime('9999-12-31', NOW, 'UTC')).toBe(2n ** 63n - 1n)
    expect(parseTime('9999999999999999999', NOW, 'UTC')).toBe(2n ** 63n - 1n)
  })

  it('reads back whatever formatTime writes', () => {
    fc.assert(
      fc.property(fc.bigInt(parseTime('1678-01-01', 0n, 'UTC'), parseTime('2261-12-31', 0n, 'UTC')), (time) => {
        const text = formatTime(time)
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
        expect(parseTime(text, 0n, 'Europe/Berlin')).toBe(time)
      }),
    )
  })

  it('reads back seconds since 1970 with any fraction', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 63n - 1n), (time) => {
        const text = `${time / 1_000_000_000n}.${String(time % 1_000_000_000n).padStart(9, '0')}`
        expect(parseTime(text, 0n, 'UTC')).toBe(time)
      }),
    )
  })

  it('means in any zone the instant at which its clocks show the time', () => {
    const zones = fc.constantFrom(
      'Europe/Berlin',
      'America/St_Johns',
      'Asia/Kolkata',
      'Pacific/Chatham',
      'Africa/Cairo',
    )
    const seconds = fc.integer({ min: 0, max: 4_000_000_000 })
    fc.assert(
      fc.property(zones, seconds, (zone, second) => {
        const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })
        const shown = clock.format(second * 1000)
        const time = parseTime(shown, 0n, zone)
        expect(clock.format(Number(time / 1_000_000n))).toBe(shown)
        expect(time).toBeLessThanOrEqual(BigInt(second) * 1_000_000_000n)
      }),
    )
  })
})

describe('parseDuration', () => {
  it.each([
    ['0', 0n],
    ['1ns', 1n],
    ['1.9ns', 1n],
    ['5us', 5_000n],
    ['5µs', 5_000n],
    ['5μs', 5_000n],
    ['.5s', 500_000_000n],
    ['1.s', 1_000_000_000n],
    ['1h2m3.5s', 3_723_500_000_000n],
    ['1s1s', 2_000_000_000n],
    ['30d', 2_592_000_000_000_000n],
  ])('reads %s', (text, expected) => {
    expect(parseDuration(text)).toBe(expected)
  })

  it.each(['', '10', '-5m', '5M', '5 m', '.s', 'm', '1h30', '1e3s', '1'.repeat(200).concat('s'), '300000000h'])(
    'refuses %j',
    (text) => {
      expect(() => parseDuration(text)).toThrow(/^cannot (read|use) the duration/)
    },
  )

  it('adds up any parts', () => {
    const units = {
      h: 3_600_000_000_000n,
      m: 60_000_000_000n,
      s: 1_000_000_000n,
      ms: 1_000_000n,
      us: 1000n,
      ns: 1n,
    } as const
    const unit = fc.constantFrom<keyof typeof units>('h', 'm', 's', 'ms', 'us', 'ns')
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.bigInt(0n, 9999n), unit), { minLength: 1, maxLength: 6 }), (parts) => {
        const total = parts.reduce((sum, [amount, name]) => sum + amount * units[name], 0n)
        expect(parseDuration(parts.map(([amount, name]) => `${amount}${name}`).join(''))).toBe(total)
      }),
    )
  })
})

describe('parseSize', () => {
  it.each([
    ['0', 0],
    ['1024', 1024],
    ['10b', 10],
    ['1k', 1024],
    ['1.5KiB', 1536],
    ['20GiB', 20 * 1024 ** 3],
    ['20g', 20 * 1024 ** 3],
    ['20 GB', 20e9],
    ['1TiB', 1024 ** 4],
  ])('reads %s', (text, expected) => {
    expect(parseSize(text)).toBe(expected)
  })

  it.each(['', 'GiB', '-1', '1.2.3', '10x', '10ib', '9999999999TiB', '1e9'])('refuses %j', (text) => {
    expect(() => parseSize(text)).toThrow(/^cannot read the size/)
  })

  it('reads any whole number of binary units exactly', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.constantFrom('k', 'M', 'GiB'), (amount, unit) => {
        expect(parseSize(`${amount}${unit}`)).toBe(amount * 1024 ** ('kmg'.indexOf(unit.charAt(0).toLowerCase()) + 1))
      }),
    )
  })
})

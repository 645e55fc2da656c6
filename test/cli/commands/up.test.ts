import { hostname, networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { addressesOf } from '../../../cli/commands/up.ts'

describe('addressesOf', () => {
  it.each(['0.0.0.0:24225', '[::]:24225'])('a listener on %s: each one of this machine', (forward) => {
    const addresses = addressesOf(forward)
    expect(addresses).toEqual(expect.arrayContaining(['localhost:24225', `${hostname()}:24225`]))
    for (const { address, family } of Object.values(networkInterfaces()).flatMap((all) => all ?? []))
      expect(addresses).toContain(family === 'IPv6' ? `[${address}]:24225` : `${address}:24225`)
  })

  it('a listener on one address: that alone', () => {
    expect(addressesOf('10.1.2.3:24224')).toEqual(['10.1.2.3:24224'])
  })
})

/** One claimant of a `Budget`: what it holds is given back in parts or, by `close`, as a whole. */
export interface Account {
  readonly bytes: number
  /** Resolves when the bytes are granted, or at once, granting nothing, when the account is closed meanwhile. */
  take(bytes: number): Promise<void>
  give(bytes: number): void
  close(): void
}

interface Claim {
  readonly owner: Holder
  readonly bytes: number
  readonly grant: () => void
}

interface Holder {
  bytes: number
  isOpen: boolean
}

/**
 * Bytes that many connections share. Claims are granted in the order in which they came. When the bytes are used up, the
 * oldest claimant alone may overdraw, so that partial frames that fill the budget together cannot block each other for ever.
 */
export class Budget {
  readonly #limit: number
  #used = 0
  #claims: Claim[] = []
  #overdrawer: Holder | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  get used(): number {
    return this.#used
  }

  open(): Account {
    const holder: Holder = { bytes: 0, isOpen: true }
    return {
      get bytes() {
        return holder.bytes
      },
      take: (bytes) => this.#take(holder, bytes),
      give: (bytes) => this.#give(holder, bytes),
      close: () => this.#close(holder),
    }
  }

  #take(owner: Holder, bytes: number): Promise<void> {
    if (bytes <= 0 || !owner.isOpen) return Promise.resolve()
    const fits = this.#claims.length === 0 && this.#used + bytes <= this.#limit
    if (fits || this.#overdrawer === owner) {
      this.#grant(owner, bytes)
      return Promise.resolve()
    }
    return new Promise((grant) => {
      this.#claims.push({ owner, bytes, grant })
      this.#serve()
    })
  }

  #grant(owner: Holder, bytes: number): void {
    owner.bytes += bytes
    this.#used += bytes
  }

  #give(owner: Holder, bytes: number): void {
    const given = Math.min(bytes, owner.bytes)
    owner.bytes -= given
    this.#used -= given
    if (this.#used <= this.#limit) this.#overdrawer = undefined
    this.#serve()
  }

  #close(owner: Holder): void {
    owner.isOpen = false
    if (this.#overdrawer === owner) this.#overdrawer = undefined
    const withdrawn = this.#claims.filter((claim) => claim.owner === owner)
    this.#claims = this.#claims.filter((claim) => claim.owner !== owner)
    this.#give(owner, owner.bytes)
    for (const claim of withdrawn) claim.grant()
  }

  #serve(): void {
    for (let claim = this.#claims[0]; claim !== undefined; claim = this.#claims[0]) {
      if (this.#used + claim.bytes > this.#limit) {
        if (this.#overdrawer !== undefined) return
        this.#overdrawer = claim.owner
      }
      this.#claims.shift()
      this.#grant(claim.owner, claim.bytes)
      claim.grant()
    }
  }
}

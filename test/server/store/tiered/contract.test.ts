import type { Appended } from '../../../../server/store/store.ts'
import { TieredStore } from '../../../../server/store/tiered/store.ts'
import type { LogRecord, StoredRecord } from '../../../../shared/record.ts'
import { storeContract } from '../contract.ts'
import { MemoryData, MemoryStore, moveLines } from '../memory.ts'
import type { StoreUnderTest } from '../records.ts'
import { MemoryArchive } from './archive.ts'

const MS = 1_000_000n

/** A store that archives the chosen lines after every second append, so that late ones of theirs stay hot for a while. */
class HalfArchived extends TieredStore {
  readonly #data: readonly [MemoryData, MemoryData]
  readonly #isChosen: (record: StoredRecord) => boolean
  #appends = 0

  constructor(data: readonly [MemoryData, MemoryData], isChosen: (record: StoredRecord) => boolean) {
    super(new MemoryStore(data[0]), new MemoryArchive(data[1]))
    this.#data = data
    this.#isChosen = isChosen
  }

  override async append(records: readonly LogRecord[]): Promise<Appended> {
    const appended = await super.append(records)
    if (this.#appends++ % 2 === 0) void this.swap(() => moveLines(...this.#data, this.#isChosen))
    return appended
  }
}

function open(isChosen: (record: StoredRecord) => boolean): () => Promise<StoreUnderTest> {
  return async () => {
    const data = [new MemoryData(), new MemoryData()] as const
    const under = {
      store: new HalfArchived(data, isChosen),
      reopen: async () => {
        await under.store.close()
        under.store = new HalfArchived(data, isChosen)
      },
      destroy: async () => under.store.close(),
    }
    return under
  }
}

storeContract(
  'half hot, half archived, by lines',
  open(({ time }) => (time / MS) % 2n === 0n),
)
storeContract(
  'half hot, half archived, by time',
  open(({ time }) => time < BigInt(Date.now() - 36 * 3_600_000) * MS),
)
storeContract(
  'all archived',
  open(() => true),
)

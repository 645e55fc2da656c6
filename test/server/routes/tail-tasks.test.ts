import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ApiTaskChange } from '../../../shared/api/answers.ts'
import type { LogRecord } from '../../../shared/record.ts'
import { Events } from '../events.ts'
import { inventoryOf } from '../inventory.ts'
import { serve, type TestServer } from '../serve.ts'
import { linesOf, recordOf, streamOf } from '../store/records.ts'

const OLD = streamOf('old', { service: 'web', slot: 1, taskId: 'task-old', cluster: 'cluster1' })
const NEW = streamOf('new', { service: 'web', slot: 2, taskId: 'task-new', cluster: 'cluster1' })
const OTHER = streamOf('db', { service: 'db', taskId: 'task-db', cluster: 'cluster1' })
const FOREIGN = streamOf('web', { containerId: '', taskId: '', service: 'web', tag: 'x' })

let server: TestServer
let clients: Events[]
beforeEach(async () => {
  clients = []
  server = await serve({ timing: { heartbeatMs: 20 } })
  await ingest(linesOf(OLD, 2))
})
afterEach(async () => {
  for (const client of clients) client.close()
  await server.close()
})

const ingest = async (records: readonly LogRecord[]) => server.context.ingestor.records(records)
const tail = (query: string, accept: string): Events => {
  const client = new Events(`${server.url}/api/v1/tail?${query}`, { accept })
  clients.push(client)
  return client
}

it('tells when tasks come, with their first line, and go', async () => {
  const client = tail('target=web', 'text/event-stream;with=tasks')
  await client.until('live')
  const records = [OLD, NEW, OTHER, FOREIGN].map((stream, index) =>
    recordOf(stream, { message: 'new', chunk: 'c', ordinal: 9 + index }),
  )
  await ingest(records)
  const come = await client.until('task')
  expect(JSON.parse(come.at(-1)?.data ?? '') satisfies ApiTaskChange).toMatchObject({
    change: 'comes',
    task: 'task-new',
    slot: 2,
  })
  await server.context.inventories.take(inventoryOf({ tasks: ['task-old', 'task-new'], ended: ['task-old'] }))
  const gone = await client.until('task')
  expect(JSON.parse(gone.at(-1)?.data ?? '')).toMatchObject({
    change: 'goes',
    service: 'web',
    task: 'task-old',
    slot: 1,
  })
  await server.context.inventories.take(inventoryOf({ time: '2000', tasks: [] }))
  expect(JSON.parse((await client.until('task')).at(-1)?.data ?? '')).toMatchObject({
    change: 'goes',
    task: 'task-new',
  })
})

it('tells those who do not ask nothing of it', async () => {
  const client = tail('target=web', 'text/event-stream')
  await client.until('live')
  await ingest([recordOf(NEW, { message: 'new' })])
  expect((await client.take(1)).map(({ event }) => event)).toEqual([undefined])
})

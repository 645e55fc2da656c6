import type { ElasticOptions } from './options.ts'

/** The format of our indices, kept in their `_meta`; a server that meets a greater one must not go on. */
export const FORMAT = 1

/** Longer tokens are cut by the analyzer; lines that have one are marked, as a substring may lie over the cut. */
export const MAX_TOKEN = 1000
/** Longer texts are kept apart, so that a page of lines has a bounded size. In characters. */
export const MAX_HEAD = 8192
/** Characters of a label that can be searched; the label itself is kept whole. */
export const MAX_KEYWORD = 1024

const keyword = { type: 'keyword', ignore_above: MAX_KEYWORD }
/** Kept, but neither searched nor sorted by. */
const kept = { type: 'keyword', index: false, doc_values: false }
/** Of a few lines only, and never sorted by. */
const mark = { type: 'boolean', doc_values: false }
const number = { type: 'long' }

const labels = {
  service: { properties: { name: keyword } },
  host: { properties: { name: keyword, id: keyword } },
  container: { properties: { id: keyword, name: keyword, image: { properties: { name: keyword } } } },
  docker: {
    properties: {
      swarm: {
        properties: {
          cluster: { properties: { id: keyword } },
          stack: { properties: { name: keyword } },
          service: { properties: { id: keyword } },
          task: { properties: { id: keyword, name: keyword, slot: number } },
        },
      },
    },
  },
  tag: keyword,
}

/** Lines in day indices: names of ECS for people and their tools, `swarmlogs.*` for us. */
const lineMappings = {
  dynamic: false,
  _meta: { swarmlogs: { format: FORMAT } },
  properties: {
    '@timestamp': { type: 'date_nanos' },
    message: { type: 'text', analyzer: 'line', norms: false },
    log: { properties: { level: keyword, iostream: { type: 'keyword' } } },
    fields: { type: 'flattened', ignore_above: MAX_KEYWORD },
    ...labels,
    swarmlogs: {
      properties: {
        stream: { type: 'keyword' },
        // Node id and container id, written so that bytes sort as `comparePositions` does.
        owner: { type: 'keyword', index: false },
        ordinal: number,
        received: number,
        before_1970: number,
        ahead: mark,
        head_missing: mark,
        long_token: mark,
        // `fields` does not say all about the line's own fields.
        fields_partly: mark,
        cut_from: { ...number, index: false, doc_values: false },
        // Of long lines `message` holds the head; searches must find the rest, too.
        whole: { type: 'text', index: false, copy_to: 'message' },
        fields_text: kept,
        fields_whole: kept,
      },
    },
  },
}

/** What Elasticsearch would not take, with its reason. */
const deadMappings = {
  dynamic: false,
  _meta: { swarmlogs: { format: FORMAT } },
  properties: {
    '@timestamp': { type: 'date_nanos' },
    reason: { type: 'text', norms: false },
    container: { properties: { id: keyword } },
    service: { properties: { name: keyword } },
    document: { type: 'object', enabled: false },
  },
}

const metaMappings = {
  dynamic: false,
  _meta: { swarmlogs: { format: FORMAT } },
  properties: { kind: keyword, seen: number, data: kept },
}

const gapMappings = {
  dynamic: false,
  _meta: { swarmlogs: { format: FORMAT } },
  properties: { from: number, to: number, order: { type: 'keyword' }, data: kept },
}

/** Settings of an index as they were chosen. */
type Chosen = Pick<ElasticOptions, 'shards' | 'replicas' | 'refreshMs'>

/**
 * Lines lie in the index as they are mostly read. What is compressed together is then wanted together: a page of lines in another order costs
 * a decompression for each of them.
 */
const sorted = {
  'sort.field': ['@timestamp', 'swarmlogs.owner', 'log.iostream', 'swarmlogs.ordinal'],
  'sort.order': ['asc', 'asc', 'asc', 'asc'],
}

/** What a day index of lines is made of. */
export function linesIndex({ shards = 1, replicas = 1, refreshMs = 1000 }: Chosen): {
  settings: object
  mappings: object
} {
  return {
    settings: {
      ...{ number_of_shards: shards, number_of_replicas: replicas, refresh_interval: `${refreshMs}ms` },
      ...{ codec: 'best_compression', 'translog.durability': 'request' },
      ...sorted,
      analysis: { analyzer: { line: { type: 'standard', max_token_length: MAX_TOKEN } } },
    },
    mappings: lineMappings,
  }
}

/** What an index of refused lines is made of. */
export function deadIndex({ replicas = 1 }: Chosen): { settings: object; mappings: object } {
  return {
    settings: { number_of_shards: 1, number_of_replicas: replicas, codec: 'best_compression' },
    mappings: deadMappings,
  }
}

/** What the index of gaps is made of. */
export function gapsIndex({ replicas = 1 }: Chosen): { settings: object; mappings: object } {
  return {
    settings: { number_of_shards: 1, number_of_replicas: replicas, refresh_interval: '1s' },
    mappings: gapMappings,
  }
}

/** What the index of our own notes is made of: one shard, so that its sequence numbers say what is new. */
export function metaIndex({ replicas = 1 }: Chosen): { settings: object; mappings: object } {
  return {
    settings: { number_of_shards: 1, number_of_replicas: replicas, refresh_interval: '1s' },
    mappings: metaMappings,
  }
}

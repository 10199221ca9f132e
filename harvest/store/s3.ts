import type * as S3 from '@aws-sdk/client-s3'
import { HarvestError } from '../../runtime/errors/harvest.ts'
import { MissingPackageError } from '../../runtime/errors/install.ts'
import type { Store } from './store.ts'

/** Loads the client of S3, which users install themselves. @throws MissingPackageError */
async function s3Library(): Promise<typeof S3> {
  try {
    return await import('@aws-sdk/client-s3')
  } catch (error) {
    throw new MissingPackageError('@aws-sdk/client-s3', error, 'for s3:// places')
  }
}

/**
 * A prefix in a bucket of S3, or of a service with its interface. An object is there whole or not at all. Region, keys and the service’s address come
 * from where AWS’s own tools take them: AWS_REGION, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL_S3, profiles, roles.
 * @throws HarvestError for what is no such place
 */
export async function s3Store(place: string): Promise<Store> {
  const [, bucket, path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]*)(?:\/(.*))?$/.exec(place) ?? []
  if (bucket === undefined) throw new HarvestError(`${place} names no bucket.`, 'write s3://bucket/prefix')
  const prefix = path === '' || path.endsWith('/') ? path : `${path}/`
  const library = await s3Library()
  const isOther = (process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL) !== undefined
  const client = new library.S3Client({
    region: process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1',
    // Other services seldom have a name in DNS for each bucket, and not all know the newer checksums.
    forcePathStyle: isOther,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const get = async (name: string, range?: string): Promise<Uint8Array | undefined> => {
    const at = { Bucket: bucket, Key: prefix + name, ...(range === undefined ? {} : { Range: range }) }
    try {
      const { Body } = await client.send(new library.GetObjectCommand(at))
      return await Body?.transformToByteArray()
    } catch (error) {
      const { $metadata } = error as Partial<S3.S3ServiceException>
      if ($metadata?.httpStatusCode === 404) return undefined
      throw failed(place, error)
    }
  }
  return {
    name: place,
    async list() {
      const names: string[] = []
      try {
        const pages = library.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix })
        for await (const { Contents = [] } of pages)
          for (const { Key = '' } of Contents) names.push(Key.slice(prefix.length))
      } catch (error) {
        throw failed(place, error)
      }
      return names.filter(name => !name.includes('/'))
    },
    async put(name, parts) {
      try {
        await client.send(
          new library.PutObjectCommand({ Bucket: bucket, Key: prefix + name, Body: Buffer.concat(parts) }),
        )
      } catch (error) {
        throw failed(place, error)
      }
    },
    get: name => get(name),
    start: (name, length) => get(name, `bytes=0-${length - 1}`),
    free: async () => undefined,
  }
}

const failed = (place: string, error: unknown): HarvestError =>
  new HarvestError(
    `${place} can’t be used: ${(error as Error).message || (error as Error).name}.`,
    'check the bucket, AWS_REGION and the keys; for another service than AWS, set AWS_ENDPOINT_URL_S3',
    error,
  )

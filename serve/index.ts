export type { AuditEntry, Quotas, ServeOptions, User } from './options.ts'
export { type Server, serve } from './serve.ts'

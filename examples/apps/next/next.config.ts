import type { NextConfig } from 'next'
import { withOnnsight } from 'onnsight/next'

const config: NextConfig = {
  // Folders above may have lockfiles too, and Next would take one of them for the project.
  turbopack: { root: process.cwd() },
}

export default withOnnsight(config)

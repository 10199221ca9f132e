import type { NextConfig } from 'next'
import { withOnnsight } from 'onnsight/next'

const config: NextConfig = {
  // Without this, Next could take a folder above that also has a lockfile for the project's root.
  turbopack: { root: process.cwd() },
}

export default withOnnsight(config)

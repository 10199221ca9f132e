import type { Metadata } from 'next'
import Link from 'next/link'
import type { ReactNode } from 'react'
import './style.css'

export const metadata: Metadata = { title: 'Inside a language model', icons: { icon: 'data:,' } }

export default function Layout({ children }: { readonly children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <header>
          <nav aria-label="Pages">
            <Link href="/">On the server</Link>
            <Link href="/browser">In the browser</Link>
          </nav>
        </header>
        <main>
          <h1>Inside a language model</h1>
          {children}
        </main>
      </body>
    </html>
  )
}

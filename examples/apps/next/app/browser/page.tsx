import { InBrowser } from '../../components/InBrowser'

export default function Page() {
  return (
    <>
      <p className="lead">
        The same model runs in this page with onnxruntime-web: nothing that you type leaves your browser.
      </p>
      <InBrowser folder="/models" />
    </>
  )
}

/**
 * A model to load: in Node its path or a `file:` URL; in a browser its address, a File or Blob, its bytes, or several Files, of which one is
 * the `.onnx` file and the others contain its external data.
 */
export type ModelSource = string | URL | Blob | ArrayBuffer | Uint8Array | readonly File[]

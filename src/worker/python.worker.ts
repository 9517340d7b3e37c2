/** The Python interpreter in a browser's worker. */
import { serveInterpreter } from './python/interpreter'

const post = self.postMessage.bind(self)
serveInterpreter({
  post: (message) => {
    post(message)
  },
  onMessage: (listener) => {
    addEventListener('message', (event: MessageEvent<unknown>) => {
      listener(event.data)
    })
  },
})

/** A module of TypeScript as the text of one of JavaScript; see `moduleText` in vite.config.ts. */
declare module '*.ts?text' {
  const text: string
  export default text
}

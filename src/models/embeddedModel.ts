/** The name of the model that Hone ships in public/starter/: commands and recipes call it so, and no other program can load it by that name. */
export const EMBEDDED_MODEL = 'starter'

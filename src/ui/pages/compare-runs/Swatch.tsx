import classes from '../../train/train.module.css'

/** A series' colour beside its name. */
export const Swatch = ({ colour }: { readonly colour: string | undefined }) => (
  <span aria-hidden="true" className={classes.swatch} style={{ background: colour }} />
)

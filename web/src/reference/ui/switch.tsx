interface SwitchProps {
  label: string;
  checked: boolean;
  disabled?: boolean;
  /** Said after the label by screen readers and shown on hover: why it is locked, or on without effect. */
  hint?: string | undefined;
  /** On, but nothing goes out at the moment. */
  muted?: boolean;
  onChange: (checked: boolean) => void;
}

/** A native checkbox in the role of a switch: keyboard, focus and forms work by themselves. */
export function Switch({ label, checked, disabled = false, hint, muted = false, onChange }: SwitchProps) {
  return (
    <span className="switch" data-muted={muted || undefined} title={hint}>
      <input
        type="checkbox"
        role="switch"
        aria-label={label}
        aria-description={hint}
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span className="track" aria-hidden="true" />
    </span>
  );
}

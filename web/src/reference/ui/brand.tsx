export function Brand() {
  return (
    <a className="brand" href="/">
      <img src="/favicon.svg" alt="" width="26" height="26" />
      <span>
        Heffl <span className="thin">Notifications</span>
      </span>
    </a>
  );
}

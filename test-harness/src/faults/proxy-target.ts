/** Where a server listens. */
export interface ProxyTarget {
  /** Default: `127.0.0.1`. */
  readonly host?: string;
  readonly port: number;
}

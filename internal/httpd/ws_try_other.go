//go:build !unix

package httpd

// try leaves all writing to a goroutine where a write that does not wait is not to be had.
func (c *socket) try([]byte) (int, error) {
	return 0, nil
}

// await returns when the peer has sent something.
func (c *socket) await() error {
	if len(c.early) == 0 {
		n, err := c.nc.Read(c.first[:])
		if err != nil {
			return err //nolint:wrapcheck // it only ends the connection
		}
		c.early = c.first[:n]
	}
	c.began.Store(c.server.cfg.Now().UnixNano())
	return nil
}

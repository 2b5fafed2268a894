"""Any CalDAV server (RFC 4791), and Apple's iCloud as a preset of it."""

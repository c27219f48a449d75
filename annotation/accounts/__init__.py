"""How researchers come in: logins, links, lost passwords, single sign-on, tokens; and roles."""

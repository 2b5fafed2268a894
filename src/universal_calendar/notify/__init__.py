"""How people are told: e-mail with invitations, SMS, webhooks."""

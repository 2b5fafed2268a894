"""What random walks and kills are made of: who acts, what is promised, who judges."""

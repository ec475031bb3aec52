"""Training of the networks that cut a head into tissues and regions."""

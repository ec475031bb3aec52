"""Training of the GAN of brains, its latent encoder and its classifiers of sex."""
